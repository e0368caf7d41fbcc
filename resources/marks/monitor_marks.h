/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks from inside a C or C++ program that `monitor-app run` measures: what it does from when to when.
 *
 *     #include "monitor_marks.h"
 *
 *     int64_t start = monitor_begin();
 *     infer(batch);
 *     monitor_end("inference", start, 8);      // for 8 images; 0: not divided by anything
 *
 *     MONITOR_SPAN("inference", 8) infer(batch);          // the same; not to be left by break, return or goto
 *     { monitor::Span span("inference", 8); infer(batch); }   // the same in C++
 *     monitor_mark("frame dropped");
 *
 * One file, C99 or C++11, GCC or Clang, Linux, nothing to link. Without `monitor-app run` nothing happens. A mark never
 * waits; the time is read here (CLOCK_MONOTONIC_RAW), so how late the message about it comes changes nothing. What runs
 * on a GPU has to be waited for before a span ends. Any thread may mark. Each file that includes this numbers its own
 * marks. How marks are sent is described in monitor_marks.py beside this file.
 */
#ifndef MONITOR_MARKS_H
#define MONITOR_MARKS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* clock_gettime, where C99 is asked for */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MONITOR_LONGEST_NAME = 120, MONITOR_MOST_BYTES = 16384, MONITOR_MOST_LOADS = 8,
       MONITOR_AGAIN_NS = 200000 };

/* All integers of the messages are little-endian, as is every machine that this is for. */
struct monitor_header {
    char magic[4];
    uint16_t version, records;
    uint32_t process, lost;
    uint64_t sender;
} __attribute__((packed));

struct monitor_record {
    uint64_t number;
    int64_t start_ns, end_ns;
    uint32_t images;
    uint8_t kind, name_bytes;
} __attribute__((packed));

static struct {
    int state; /* 0: not looked yet; 1: somebody listens; -1: nobody */
    int lock, fd, load_fd, loads;
    int depth;
    pid_t process;
    uint64_t sender, number;
    uint32_t lost;
    int64_t full_ns;
    size_t waiting; /* bytes of records in `data`, behind the header */
    struct sockaddr_un to, load_to[MONITOR_MOST_LOADS];
    unsigned char data[MONITOR_MOST_BYTES];
} monitor_ = {0, 0, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, {0, {0}}, {{0, {0}}}, {0}};

__attribute__((unused)) static int64_t monitor_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A socket under a high number, which a program that closes all it finds and opens other things does not give again. */
static int monitor_socket_(void) {
    struct rlimit most;
    int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), high = -1;
    if (made < 0) return -1;
    if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
        rlim_t least = most.rlim_cur / 4 * 3;
        high = fcntl(made, F_DUPFD_CLOEXEC, (int)(least > 65536 ? 65536 : least));
    }
    if (high < 0) return made;
    close(made);
    return high;
}

static int monitor_address_(struct sockaddr_un *to, const char *path, size_t length) {
    if (length == 0 || length >= sizeof to->sun_path) return 0;
    memset(to, 0, sizeof *to);
    to->sun_family = AF_UNIX;
    memcpy(to->sun_path, path, length);
    return 1;
}

static void monitor_find_loads_(void) {
    const char *at = getenv("MONITOR_APP_LOAD");
    while (at && *at && monitor_.loads < MONITOR_MOST_LOADS) {
        size_t length = strcspn(at, ":");
        monitor_.loads += monitor_address_(&monitor_.load_to[monitor_.loads], at, length);
        at += length + (at[length] == ':');
    }
}

/* Whether the socket took it. */
static int monitor_put_(const void *data, size_t length) {
    int tries;
    for (tries = 0; tries < 2; tries++) {
        if (monitor_.fd >= 0) {
            if (send(monitor_.fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 1;
            if (errno == ECONNREFUSED || errno == ENOENT) { /* the bench has gone */
                monitor_.state = -1;
                return 0;
            }
            if (errno != EBADF && errno != ENOTSOCK && errno != ENOTCONN && errno != EDESTADDRREQ) return 0;
        }
        monitor_.fd = monitor_socket_(); /* the number may be another's by now: it is not ours to close */
        if (monitor_.fd >= 0 && connect(monitor_.fd, (struct sockaddr *)&monitor_.to, sizeof monitor_.to) != 0) {
            close(monitor_.fd);
            monitor_.fd = -1;
            monitor_.state = -1; /* the bench has gone */
            return 0;
        }
    }
    return 0;
}

static int monitor_flush_(void) {
    struct monitor_header *header = (struct monitor_header *)(void *)monitor_.data;
    if (monitor_.waiting == 0) return 1;
    memcpy(header->magic, "PLMM", 4);
    header->version = 1;
    header->process = (uint32_t)monitor_.process;
    header->lost = monitor_.lost;
    header->sender = monitor_.sender;
    if (!monitor_put_(monitor_.data, sizeof *header + monitor_.waiting)) return 0;
    monitor_.waiting = 0;
    header->records = 0;
    return 1;
}

/* With the lock. */
static int monitor_append_(const struct monitor_record *record, const char *name) {
    struct monitor_header *header = (struct monitor_header *)(void *)monitor_.data;
    size_t at = sizeof *header + monitor_.waiting;
    if (at + sizeof *record + record->name_bytes > sizeof monitor_.data || header->records == 65535) return 0;
    memcpy(monitor_.data + at, record, sizeof *record);
    memcpy(monitor_.data + at + sizeof *record, name, record->name_bytes);
    monitor_.waiting += sizeof *record + record->name_bytes;
    header->records++;
    return 1;
}

static void monitor_last_(void);

/* A process, or a child that it has forked, becomes a sender of its own. With the lock. */
static void monitor_become_(pid_t process) {
    struct monitor_header *header = (struct monitor_header *)(void *)monitor_.data;
    if (monitor_.process == 0) atexit(monitor_last_);
    monitor_.process = process;
    if (syscall(SYS_getrandom, &monitor_.sender, sizeof monitor_.sender, 1) != (long)sizeof monitor_.sender)
        monitor_.sender = (uint64_t)monitor_now_ns() * 2654435761u ^ (uint64_t)process << 32
                          ^ (uint64_t)(uintptr_t)&monitor_;
    monitor_.number = monitor_.waiting = 0;
    monitor_.lost = 0;
    monitor_.full_ns = 0;
    header->records = 0;
    monitor_.fd = -1; /* that of a parent may have been closed, and its number given again */
}

static int monitor_take_lock_(void) {
    int tries;
    for (tries = 0; tries < 4096; tries++)
        if (!__atomic_exchange_n(&monitor_.lock, 1, __ATOMIC_ACQUIRE)) return 1;
    return 0; /* whoever has it does not run, or is the code that this signal has interrupted */
}

static void monitor_release_lock_(void) { __atomic_store_n(&monitor_.lock, 0, __ATOMIC_RELEASE); }

/* Whether a bench listens. */
__attribute__((unused)) static int monitor_listening(void) {
    if (__builtin_expect(monitor_.state == 0, 0)) {
        const char *path = getenv("MONITOR_APP_MARKS");
        if (!monitor_take_lock_()) return 0;
        if (monitor_.state == 0) {
            int there = path != NULL && monitor_address_(&monitor_.to, path, strlen(path));
            if (there) monitor_find_loads_();
            monitor_.state = there ? 1 : -1;
        }
        monitor_release_lock_();
    }
    return monitor_.state > 0;
}

static void monitor_send_(int kind, const char *name, int64_t start_ns, int64_t end_ns, uint32_t images) {
    struct monitor_record record;
    size_t length = strlen(name);
    pid_t process = getpid();
    int64_t now_ns;
    int due, appended;
    if (length > MONITOR_LONGEST_NAME) {
        length = MONITOR_LONGEST_NAME;
        while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80) length--; /* not within a letter */
    }
    if (process != monitor_.process) monitor_.lock = monitor_.process == 0 ? monitor_.lock : 0; /* forked */
    if (!monitor_take_lock_()) {
        __atomic_add_fetch(&monitor_.number, 1, __ATOMIC_RELAXED); /* it is missed as any other that is lost */
        __atomic_add_fetch(&monitor_.lost, 1, __ATOMIC_RELAXED);
        return;
    }
    if (process != monitor_.process) monitor_become_(process);
    record.number = __atomic_fetch_add(&monitor_.number, 1, __ATOMIC_RELAXED);
    record.start_ns = start_ns;
    record.end_ns = end_ns;
    record.images = images;
    record.kind = (uint8_t)kind;
    record.name_bytes = (uint8_t)length;
    now_ns = monitor_now_ns();
    due = now_ns - monitor_.full_ns > MONITOR_AGAIN_NS; /* each try costs more than a mark */
    appended = monitor_append_(&record, name);
    if (due && !monitor_flush_()) monitor_.full_ns = now_ns;
    if (!appended && !monitor_append_(&record, name)) __atomic_add_fetch(&monitor_.lost, 1, __ATOMIC_RELAXED);
    monitor_release_lock_();
}

/* The number of marks, so that the last ones are missed too where they could not be sent. */
static void monitor_last_(void) {
    struct monitor_record record = {0, 0, 0, 0, 2, 0};
    struct timespec pause = {0, 1000000};
    int tries;
    if (monitor_.state < 1 || monitor_.process != getpid() || !monitor_take_lock_()) return;
    record.number = monitor_.number;
    for (tries = 0; tries < 1000 && !monitor_append_(&record, ""); tries++) {
        monitor_flush_();
        nanosleep(&pause, NULL);
    }
    for (tries = 0; tries < 1000 && !monitor_flush_() && monitor_.state > 0; tries++) nanosleep(&pause, NULL);
    monitor_release_lock_();
}

/* Only on a simulated board: it is told that it is busy while a span is open. */
static void monitor_busy_(int step) {
    struct { int64_t host_ns; uint8_t busy; } __attribute__((packed)) message;
    int depth = __atomic_add_fetch(&monitor_.depth, step, __ATOMIC_RELAXED), index;
    if (!((step > 0 && depth == 1) || (step < 0 && depth == 0))) return;
    if (monitor_.load_fd < 0) monitor_.load_fd = monitor_socket_();
    message.host_ns = monitor_now_ns();
    message.busy = depth > 0;
    for (index = 0; index < monitor_.loads; index++)
        if (sendto(monitor_.load_fd, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL,
                   (struct sockaddr *)&monitor_.load_to[index], sizeof monitor_.load_to[index]) < 0) {
        }
}

/* The start of a span: what `monitor_end` is given; 0 where nobody listens. */
__attribute__((unused)) static int64_t monitor_begin(void) {
    if (!monitor_listening()) return 0;
    if (monitor_.loads) monitor_busy_(1);
    return monitor_now_ns();
}

/* The end of a span: its name (at most 120 bytes, few different ones), its start, and how many images it was for. */
__attribute__((unused)) static void monitor_end(const char *name, int64_t start_ns, uint32_t images) {
    int64_t end_ns;
    if (start_ns == 0 || monitor_.state < 1) return;
    end_ns = monitor_now_ns();
    if (monitor_.loads) monitor_busy_(-1);
    monitor_send_(1, name, start_ns, end_ns, images);
}

/* A moment worth seeing. */
__attribute__((unused)) static void monitor_mark(const char *name) {
    int64_t now_ns;
    if (!monitor_listening()) return;
    now_ns = monitor_now_ns();
    monitor_send_(0, name, now_ns, now_ns, 0);
}

/* The statement or block that follows, as a span. */
#define MONITOR_SPAN(name, images)                                                                       \
    for (int64_t monitor_start_ = monitor_begin(), monitor_once_ = 1; monitor_once_;                     \
         monitor_once_ = 0, monitor_end((name), monitor_start_, (images)))

#ifdef __cplusplus
}

namespace monitor {
/* A span for as long as it lives. */
class Span {
   public:
    explicit Span(const char *name, uint32_t images = 0) : name_(name), images_(images), start_(monitor_begin()) {}
    ~Span() { monitor_end(name_, start_, images_); }
    Span(const Span &) = delete;
    Span &operator=(const Span &) = delete;

   private:
    const char *name_;
    uint32_t images_;
    int64_t start_;
};
}  // namespace monitor
#endif

#endif
