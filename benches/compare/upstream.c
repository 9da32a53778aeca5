/* The upstream of the comparison: one thread, epoll, answers made before the first request, so that it is never what
 * limits. usage: upstream PORT. Paths: /ok /1k /64k /1m /10m give so many bytes of JSON once the request's body is read, /echo
 * the request head as text; /ws changes to a protocol that sends back whatever comes. */
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

enum { HEAD_MAX = 16384, EVENTS = 256 };

struct answer {
    const char *path;
    size_t body, length;
    char *bytes;
};

struct conn {
    int fd;
    size_t filled;              /* bytes of `head` in use */
    const char *out;            /* what is left to send */
    size_t left;
    char *own;                  /* freed when sent */
    size_t body;                /* of the request, not read yet */
    int tunnel;                 /* after a 101 */
    char head[HEAD_MAX];
};

static struct answer answers[] = {
    {"/ok", 2, 0, 0}, {"/1k", 1024, 0, 0}, {"/64k", 65536, 0, 0}, {"/1m", 1 << 20, 0, 0}, {"/10m", 10 << 20, 0, 0}};
static char not_found[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
static char switching[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static int poller;

/* An answer as PostgREST would give it. */
static void prepare(struct answer *a) {
    char head[512];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nServer: postgrest/12\r\n"
                     "Content-Range: 0-24/*\r\nContent-Location: /items?select=%%2A\r\nContent-Profile: public\r\n"
                     "Content-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n\r\n", a->body);
    static const char row[] = "{\"id\":1,\"title\":\"a row of some length\"},";
    a->length = n + a->body;
    a->bytes = malloc(a->length);
    memcpy(a->bytes, head, n);
    for (size_t i = 0; i < a->body; i++) a->bytes[n + i] = row[i % (sizeof row - 1)];
}

static void watch(struct conn *c, int operation, unsigned events) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    epoll_ctl(poller, operation, c->fd, &e);
}

static void drop(struct conn *c) {
    close(c->fd);
    free(c->own);
    free(c);
}

/* Chooses what to send for the request head in front. */
static void choose(struct conn *c, size_t length) {
    const char *path = c->head + strcspn(c->head, " ") + 1;
    c->out = not_found;
    c->left = sizeof not_found - 1;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t n = strlen(answers[i].path);
        if (!strncmp(path, answers[i].path, n) && strchr(" ?", path[n])) {
            c->out = answers[i].bytes;
            c->left = answers[i].length;
        }
    }
    if (!strncmp(path, "/ws", 3)) {
        c->out = switching;
        c->left = sizeof switching - 1;
        c->tunnel = 1;
    }
    if (!strncmp(path, "/echo", 5)) {
        c->own = malloc(length + 128);
        int n = sprintf(c->own, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", length);
        memcpy(c->own + n, c->head, length);
        c->out = c->own;
        c->left = n + length;
    }
}

/* 1: all sent, 0: the socket is full, -1: gone. */
static int flush(struct conn *c) {
    while (c->left) {
        ssize_t n = send(c->fd, c->out, c->left, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        c->out += n;
        c->left -= n;
    }
    free(c->own);
    c->own = NULL;
    return 1;
}

/* What a request's head says of its body. */
static size_t body_of(const char *head, const char *end) {
    static const char name[] = "\r\ncontent-length:";
    for (const char *at = head; (at = memchr(at, '\r', end - at)); at++)
        if (!strncasecmp(at, name, sizeof name - 1)) return strtoul(at + sizeof name - 1, NULL, 10);
    return 0;
}

static void consume(struct conn *c, size_t length) {
    memmove(c->head, c->head + length, c->filled - length);
    c->filled -= length;
}

/* Reads on in a request: 1 when it is whole and its answer chosen, 0 when bytes are missing, -1: too large. */
static int next(struct conn *c) {
    if (!c->left) {
        char *end = memmem(c->head, c->filled, "\r\n\r\n", 4);
        if (!end) return c->filled < HEAD_MAX ? 0 : -1;
        size_t length = end + 4 - c->head;
        c->body = body_of(c->head, end);
        choose(c, length);
        consume(c, length);
    }
    size_t part = c->body < c->filled ? c->body : c->filled;
    consume(c, part);
    c->body -= part;
    return !c->body;
}

/* Has what came sent back: 1 if something did. */
static int reflect(struct conn *c) {
    c->out = c->head;
    c->left = c->filled;
    c->filled = 0;
    return c->left > 0;
}

/* Answers everything that is there completely. */
static int serve(struct conn *c) {
    for (;;) {
        int ready = c->tunnel ? reflect(c) : next(c);
        if (ready != 1) return ready;
        int done = flush(c);
        if (done == 0) watch(c, EPOLL_CTL_MOD, EPOLLOUT);
        if (done != 1) return done;
    }
}

static int readable(struct conn *c) {
    ssize_t n = recv(c->fd, c->head + c->filled, HEAD_MAX - c->filled, 0);
    if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1;
    c->filled += n;
    return serve(c);
}

static int writable(struct conn *c) {
    int done = flush(c);
    if (done != 1) return done;
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
    return serve(c);
}

static void take_all(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct conn *c = calloc(1, sizeof *c);
        c->fd = fd;
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int main(int count, char **arguments) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(count > 1 ? atoi(arguments[1]) : 0),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1024)) return perror("listen"), 1;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) prepare(&answers[i]);
    poller = epoll_create1(0);
    struct epoll_event on_listener = {.events = EPOLLIN}, events[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &on_listener);
    for (;;) {
        int n = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (!c) take_all(listener);
            else if ((events[i].events & EPOLLOUT ? writable(c) : readable(c)) < 0) drop(c);
        }
    }
}
