/* Intrusive doubly linked lists. A node that is in no list points at itself, so removing
 * twice is harmless and "is it linked" is one comparison. */
#ifndef LF_BASE_LIST_H
#define LF_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct lf_list {
    struct lf_list *next, *prev; /* borrowed: whoever holds the node owns it */
};

#define lf_container(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define LF_LIST_EACH_SAFE(head, it, tmp)                                                 \
    for (struct lf_list *it = (head)->next, *tmp = it->next; it != (head);               \
         it = tmp, tmp = it->next)

static inline void lf_list_init(struct lf_list *l)
{
    l->next = l->prev = l;
}

static inline bool lf_list_empty(const struct lf_list *l)
{
    return l->next == l;
}

static inline void lf_list_remove(struct lf_list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    lf_list_init(n);
}

static inline void lf_list_append(struct lf_list *head, struct lf_list *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}

static inline void lf_list_prepend(struct lf_list *head, struct lf_list *n)
{
    lf_list_append(head->next, n);
}

/* Take the first node out, or NULL. */
static inline struct lf_list *lf_list_shift(struct lf_list *head)
{
    if (lf_list_empty(head))
        return NULL;
    struct lf_list *n = head->next;
    lf_list_remove(n);
    return n;
}

/* Move all of `from` to the end of `to`. */
static inline void lf_list_splice(struct lf_list *to, struct lf_list *from)
{
    if (lf_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    lf_list_init(from);
}

#endif
