/* A name server that hears everything and says nothing:
 *
 *   silent
 *
 * Prints "port N" of the UDP port of 127.0.0.1 that it holds. Ends at the end of its
 * standard input, which whoever starts it keeps open. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof addr;
    char byte;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) ||
        getsockname(fd, (struct sockaddr *)&addr, &len)) {
        perror("silent");
        return 1;
    }
    printf("port %d\n", ntohs(addr.sin_port));
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return 0;
}
