/* SipHash-2-4 with 128 bits (Aumasson, Bernstein): the key of a URL in a job. With a
 * secret of the job's own nobody can make up two URLs of one key. */
#ifndef LF_JOB_HASH_H
#define LF_JOB_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { JOB_KEY = 16 };

void job_hash(const uint8_t secret[static JOB_KEY], const char *p, size_t n,
              uint8_t out[static JOB_KEY]);

#endif
