/* The script that runs in the server, redis.lua, as the build made it of that file. */
#include "modules/job/redis.h"

const char redis_script[] =
#include "modules/job/redis.lua.inc"
    ;
const size_t redis_script_len = sizeof redis_script - 1;
