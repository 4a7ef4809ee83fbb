/*
 * A process that looks like QEMU from outside: qemu-system-bench THREADS FIRST GROUPS [DIRECTORY FILE]... -name ...
 *
 * Enters every DIRECTORY, then starts threads named as QEMU names its own; thread number i (counted from FIRST) puts
 * itself into DIRECTORY/(i modulo GROUPS) by FILE ("tasks" in v1, "cgroup.threads" in v2). Says "ready" when all are
 * where they belong, and ends with its standard input: it cannot outlive the bench.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char **places; /* DIRECTORY FILE ... -name */
static int groups, first;
static pthread_barrier_t placed;

/* "0" is the writing thread, in cgroup.procs its whole process (cgroup-v1/cgroups.rst, cgroup-v2.rst) */
static void enter(const char *path)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1) err(1, "%s", path);
    close(fd);
}

static void place(int group)
{
    char path[4096];
    for (char **at = places; at[0] && strcmp(at[0], "-name") != 0; at += 2) {
        if (group < 0) snprintf(path, sizeof path, "%s/cgroup.procs", at[0]);
        else snprintf(path, sizeof path, "%s/%d/%s", at[0], group, at[1]);
        enter(path);
    }
}

static void *run(void *argument)
{
    int i = (int)(long)argument;
    char name[16];
    snprintf(name, sizeof name, i % 8 == 7 ? "IO iothread%d" : "CPU %d/KVM", i % 8 == 7 ? i / 8 : i - i / 8 - 1);
    if (i > 0) prctl(PR_SET_NAME, name);
    place((first + i) % groups);
    pthread_barrier_wait(&placed);
    if (i > 0) for (;;) pause();
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 4) errx(2, "usage: THREADS FIRST GROUPS [DIRECTORY FILE]... -name ...");
    int threads = atoi(argv[1]);
    first = atoi(argv[2]);
    groups = atoi(argv[3]);
    places = argv + 4;
    prctl(PR_SET_NAME, "qemu-system-x86");
    place(-1);
    pthread_barrier_init(&placed, NULL, threads);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    for (long i = 1; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &small, run, (void *)i)) errx(1, "cannot start thread %ld", i);
    }
    run((void *)0L);
    puts("ready");
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) { }
    _exit(0);
}
