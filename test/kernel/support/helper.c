// Processes that QEMU could be: real threads with any name, that come and go, that move. Run under a name of QEMU's.
//   names HEX…               a thread of each name; prints their TIDs; waits (from the first - on arguments are for others)
//   churn THREADS DIR        that many threads at any time, half of them living a tenth of a second, some of those in a v1
//                            cgroup below DIR that is made and removed around them; now and then a child process
//   title BYTES              shows a command line of that length that begins as QEMU's; prints its PID; waits
//   busy THREADS             that many vCPUs that never rest; prints a word; waits
//   migrate DIR DIR          one thread that is moved to and fro without end; prints its TID
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *base;
static volatile int newest; // TID of the thread that was named last; 0 until it is

static int tid(void) { return (int)syscall(SYS_gettid); }

static void put(const char *directory, const char *file, int value) {
  char path[4096], text[16];
  snprintf(path, sizeof path, "%s/%s", directory, file);
  int fd = open(path, O_WRONLY);
  if (fd < 0) return;
  int length = snprintf(text, sizeof text, "%d", value);
  if (write(fd, text, length) < 0) { /* its cgroup may be gone: that is the game */ }
  close(fd);
}

static void *named(void *hex) {
  char name[32] = {0};
  const char *at = hex;
  unsigned byte;
  for (int i = 0; i < 31 && sscanf(at, "%2x", &byte) == 1; i++, at += 2) name[i] = (char)byte;
  prctl(PR_SET_NAME, name);
  newest = tid();
  for (;;) pause();
  return NULL;
}

static int birth(char *hex) {
  pthread_t thread;
  newest = 0;
  if (pthread_create(&thread, NULL, named, hex) != 0) exit(1);
  while (newest == 0) usleep(100);
  printf("%d\n", newest);
  return newest;
}

static void *spinning(void *number) {
  char name[32];
  snprintf(name, sizeof name, "CPU %ld/TCG", (long)number);
  prctl(PR_SET_NAME, name);
  for (volatile unsigned long i = 0;; i++) {}
  return NULL;
}

static void *brief(void *number) {
  char directory[4000];
  unsigned seed = (unsigned)tid();
  int own = rand_r(&seed) % 8 == 0;
  snprintf(directory, sizeof directory, "%s/%ld", base, (long)number);
  if (own) {
    mkdir(directory, 0755);
    put(directory, "tasks", tid());
  }
  usleep(10000 + rand_r(&seed) % 200000);
  if (own && rand_r(&seed) % 2) {
    put(base, "tasks", tid());
    rmdir(directory);
  }
  if (rand_r(&seed) % 32 == 0 && fork() == 0) {
    usleep(1000 + rand_r(&seed) % 20000);
    _exit(0);
  }
  return NULL;
}

/** Starts one thread after another in the same place. */
static void *place(void *number) {
  for (long i = (long)number;; i += 1000) { // no two of them ever have the same number
    pthread_t thread;
    if (pthread_create(&thread, NULL, brief, (void *)i) == 0) pthread_join(thread, NULL);
    else usleep(1000);
    char directory[4000];
    snprintf(directory, sizeof directory, "%s/%ld", base, i);
    while (rmdir(directory) != 0 && errno == EBUSY) usleep(1000); // it has been joined, but has not left yet
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
  }
  return NULL;
}

// Needs no privilege: the rest of the map stays as proc(5) numbers it in our own stat.
static int show(char *title, size_t length) {
  unsigned long field[52] = {0};
  char text[4096] = {0};
  int fd = open("/proc/self/stat", O_RDONLY);
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0) return -1;
  close(fd);
  char *at = strrchr(text, ')') + 3; // behind the state, field 3
  for (int i = 4; i < 52; i++) field[i] = strtoul(at, &at, 10);
  struct prctl_mm_map map = {
    .start_code = field[26], .end_code = field[27], .start_stack = field[28], .start_data = field[45], .end_data = field[46],
    .start_brk = field[47], .brk = (unsigned long)sbrk(0), .arg_start = (unsigned long)title, .arg_end = (unsigned long)title + length,
    .env_start = field[50], .env_end = field[51], .exe_fd = (unsigned)-1,
  };
  return prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0);
}

int main(int argc, char **argv) {
  pthread_t thread;
  setlinebuf(stdout);
  if (argc > 2 && strcmp(argv[1], "names") == 0) {
    for (int i = 2; i < argc && argv[i][0] != '-'; i++) birth(argv[i]);
  } else if (argc == 4 && strcmp(argv[1], "churn") == 0) {
    base = argv[3];
    for (long i = 0; i < atol(argv[2]) / 2; i++) pthread_create(&thread, NULL, place, (void *)i);
    puts("churning");
  } else if (argc == 3 && strcmp(argv[1], "busy") == 0) {
    for (long i = 0; i < atol(argv[2]); i++) pthread_create(&thread, NULL, spinning, (void *)i);
    puts("busy");
  } else if (argc == 4 && strcmp(argv[1], "title") == 0) {
    size_t length = strtoul(argv[2], NULL, 10);
    char *title = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(title, atoi(argv[3]), length);
    memcpy(title, "qemu-kvm", 9);
    title[length - 1] = 0; // else a reader gets no more than the first argument
    if (show(title, length)) return 1;
    printf("%d\n", tid());
    fflush(stdout);
  } else if (argc == 4 && strcmp(argv[1], "migrate") == 0) {
    int moved = birth("43505520302f4b564d"); // CPU 0/KVM
    for (int i = 0;; i++) {
      put(argv[2 + i % 2], "tasks", moved);
      usleep(200);
    }
  } else {
    return 2;
  }
  for (;;) pause();
}
