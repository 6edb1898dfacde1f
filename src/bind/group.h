/* A group and its slots; private to group.c (the calls) and slots.c (the items). */
#ifndef LF_BIND_GROUP_H
#define LF_BIND_GROUP_H

#include "bind/sched.h"

/* Values a group keeps in its userdata. */
enum { LF_GROUP_ITEMS = 1, LF_GROUP_OPTS, LF_GROUP_FN, LF_GROUP_VALUES };

struct lf_slot_block;

struct lf_group {
    struct lf_call call; /* first */
    struct lf_list busy, done, spare;
    struct lf_slot_block *blocks; /* owned */
    struct lf_domain *domain;     /* owned; NULL: that of the task */
    struct lf_task *feeder;       /* a reference; pulls the iterator */
    struct lf_joiner feeder_joiner;
    lua_Integer pos, n;    /* of the list: added, length */
    unsigned used, window; /* slots in busy and done */
    unsigned ready;        /* so many are enough while the domain is full */
    unsigned tasks, limit; /* child tasks that have not ended */
    int nslots;
    double began;   /* when a list was handed over; 0: items come one by one */
    double seconds; /* for each call of fn */
    bool calls;     /* fn(item) instead of the item itself */
    bool keep;      /* items are given back */
    bool fail_fast;
    bool feeder_waits;
    char what[16];
};

struct lf_places {
    int opts, fn, values; /* stack indices; 0: none */
};

/* [-0, +3, m] Push what adding needs, of the group at index 1. */
struct lf_places lf_group_places(lua_State *L);

/* [-1, +0, v] Put the item on top into a slot. */
void lf_group_put(lua_State *L, struct lf_group *g, lua_Integer index,
                  const struct lf_places *p);

/* [-0, +0, v] Add from the list while there is room. */
void lf_group_fill(lua_State *L, struct lf_group *g);

/* [-0, +4, v] index, result, failed, item of the first slot that is done. */
int lf_group_take(lua_State *L, struct lf_group *g);

void lf_group_drop(struct lf_call *c); /* stop requests and joins; no Lua */

/* [-0, +0, -] Free all slots and what they hold. */
void lf_group_release(lua_State *L, struct lf_group *g);

#endif
