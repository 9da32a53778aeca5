/* What the kernel alone costs a proxy: one thread, epoll, and for each request two reads and two writes, in between nothing.
 * Every request's header fields are replaced by prepared ones, as many bytes as those of the job are; answers go on as they
 * come. It does not do the job, looks at nothing, and knows no errors: no proxy that reads bytes from
 * sockets and writes them can be below it.
 * usage: floor PORT UPSTREAM_PORT FIELDS, the last a file that ends with an empty line. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 16384, PART_MAX = 65536, EVENTS = 256 };

struct pair;

/* What epoll hands back. */
struct side {
    int fd, is_client;
    struct pair *pair;
};

/* A client's connection, and the one to the upstream that is its own. */
struct pair {
    struct side client, upstream;
    size_t filled;              /* bytes of `head` in use */
    const char *out;            /* what is left of the part to send to the client */
    size_t left;
    int is_gone;
    struct pair *next;          /* that is gone as well */
    char head[HEAD_MAX], part[PART_MAX];
};

static char fields[HEAD_MAX];
static size_t fields_length;
static struct pair *gone;
static int poller;
static struct sockaddr_in upstream = {.sin_family = AF_INET};

static void watch(struct side *side, int operation, unsigned events) {
    struct epoll_event e = {.events = events, .data.ptr = side};
    epoll_ctl(poller, operation, side->fd, &e);
}

static void add(struct pair *pair, struct side *side, int fd, int is_client) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *side = (struct side){.fd = fd, .is_client = is_client, .pair = pair};
    watch(side, EPOLL_CTL_ADD, EPOLLIN);
}

static void take_all(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        int other = socket(AF_INET, SOCK_STREAM, 0);
        struct pair *pair = calloc(1, sizeof *pair);
        if (connect(other, (struct sockaddr *)&upstream, sizeof upstream)) perror("connect");
        add(pair, &pair->client, fd, 1);
        add(pair, &pair->upstream, other, 0);
    }
}

/* Closes both connections. An event for the other may be among those at hand, so the memory goes later. */
static void drop(struct pair *pair) {
    close(pair->client.fd);
    close(pair->upstream.fd);
    pair->is_gone = 1;
    pair->next = gone;
    gone = pair;
}

static void free_gone(void) {
    while (gone) {
        struct pair *next = gone->next;
        free(gone);
        gone = next;
    }
}

/* 1: all sent, 0: the client's socket is full, -1: gone. */
static int flush(struct pair *pair) {
    while (pair->left) {
        ssize_t n = send(pair->client.fd, pair->out, pair->left, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        pair->out += n;
        pair->left -= n;
    }
    return 1;
}

/* A request's head: its first line, and the prepared fields behind it. */
static int request(struct pair *pair) {
    ssize_t n = recv(pair->client.fd, pair->head + pair->filled, HEAD_MAX - pair->filled, 0);
    if (n <= 0) return -1;
    pair->filled += n;
    if (pair->filled < 4 || memcmp(pair->head + pair->filled - 4, "\r\n\r\n", 4)) return 0;
    char *line_end = memchr(pair->head, '\n', pair->filled);
    size_t line = line_end + 1 - pair->head;
    if (line + fields_length > HEAD_MAX) return -1;
    memcpy(line_end + 1, fields, fields_length);
    pair->filled = 0;
    return send(pair->upstream.fd, pair->head, line + fields_length, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* A part of an answer. A client that is slow is waited for, and meanwhile nothing is read. */
static int answer(struct pair *pair) {
    ssize_t n = recv(pair->upstream.fd, pair->part, PART_MAX, MSG_DONTWAIT);
    if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1;
    pair->out = pair->part;
    pair->left = n;
    int done = flush(pair);
    if (done == 0) {
        watch(&pair->upstream, EPOLL_CTL_MOD, 0);
        watch(&pair->client, EPOLL_CTL_MOD, EPOLLOUT);
    }
    return done;
}

static int writable(struct pair *pair) {
    int done = flush(pair);
    if (done == 1) {
        watch(&pair->client, EPOLL_CTL_MOD, EPOLLIN);
        watch(&pair->upstream, EPOLL_CTL_MOD, EPOLLIN);
    }
    return done;
}

static int serve(struct side *side, unsigned events) {
    if (!side->is_client) return answer(side->pair);
    return events & EPOLLOUT ? writable(side->pair) : request(side->pair);
}

static int listen_on(int port) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1024)) perror("listen"), exit(1);
    return listener;
}

int main(int count, char **arguments) {
    FILE *file = count == 4 ? fopen(arguments[3], "r") : NULL;
    if (!file) return fprintf(stderr, "usage: floor PORT UPSTREAM_PORT FIELDS\n"), 1;
    fields_length = fread(fields, 1, sizeof fields, file);
    upstream.sin_port = htons(atoi(arguments[2]));
    upstream.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = listen_on(atoi(arguments[1]));
    poller = epoll_create1(0);
    struct epoll_event on_listener = {.events = EPOLLIN}, events[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &on_listener);
    for (;;) {
        int n = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct side *side = events[i].data.ptr;
            if (!side) take_all(listener);
            else if (!side->pair->is_gone && serve(side, events[i].events) < 0) drop(side->pair);
        }
        free_gone();
    }
}
