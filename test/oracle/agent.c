// What the oracle runs on a host: tells what is there, does one thing at a time and says which errno came of it. A line
// is a command, its answer a line; paths and values are in hexadecimal, so that they can hold any byte.
//   agent PREFIX FOLDER   until its standard input ends; then it ends its processes, removes every cgroup named PREFIX, and FOLDER
//   tasks COUNT           that many threads that wait; prints their TIDs, its own first
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 64
static struct { char mount[256]; char *files[64]; } tree[MOST];
static struct { int pid, count, tid[16]; } process[MOST];
static int trees, processes;
static const char *prefix;
static char buffer[1 << 20], *self;

static void unhex(const char *hex, char *out) {
  unsigned byte;
  while (sscanf(hex, "%2x", &byte) == 1) *out++ = (char)byte, hex += 2;
  *out = 0;
}

static ssize_t slurp(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  ssize_t length = 0, more;
  while ((more = read(fd, buffer + length, sizeof buffer - 1 - length)) > 0) length += more;
  int failed = errno;
  close(fd);
  if (more < 0) return -failed;
  return length;
}

static void emit(const char *path) {
  ssize_t length = slurp(path);
  if (length < 0) { printf("e %zd %s\n", -length, path); return; }
  printf("f %zd %s\n", length, path);
  fwrite(buffer, 1, length, stdout);
}

static void directory(int t, const char *path, int deep) {
  char name[4096];
  printf("d %s\n", path);
  for (char **file = tree[t].files; *file; file++) {
    snprintf(name, sizeof name, "%s/%s", path, *file);
    if (access(name, F_OK) == 0) emit(name);
  }
  if (!deep) return;
  DIR *found = opendir(path);
  struct dirent *entry;
  while (found && (entry = readdir(found))) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    directory(t, name, 1);
  }
  if (found) closedir(found);
}

static void look(void) {
  char path[4096], target[4096];
  static const char *const of[] = {"stat", "cgroup", "status", "schedstat"};
  for (int t = 0; t < trees; t++) {
    directory(t, tree[t].mount, 0);
    snprintf(path, sizeof path, "%s/%s", tree[t].mount, prefix);
    if (access(path, F_OK) == 0) { directory(t, path, 1); printf("w %s\n", path); }
  }
  for (int p = 0; p < processes; p++) {
    int pid = process[p].pid;
    for (int i = 0; i < process[p].count; i++)
      for (int f = 0; f < 4; f++) {
        snprintf(path, sizeof path, "/proc/%d/task/%d/%s", pid, process[p].tid[i], of[f]);
        emit(path);
      }
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    emit(path);
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    emit(path);
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length > 0) printf("l %s %.*s\n", path, (int)length, target);
  }
  puts(".");
}

static int put(const char *path, const char *value) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int failed = write(fd, value, strlen(value)) < 0 ? errno : 0;
  close(fd);
  return failed;
}

static void *waits(void *slot) {
  *(volatile int *)slot = (int)syscall(SYS_gettid);
  for (;;) pause();
  return NULL;
}

static int tasks(int count) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == 1) return 1;
  volatile int tid[16] = {(int)syscall(SYS_gettid)};
  for (int i = 1; i < count && i < 16; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, waits, (void *)&tid[i])) return 1;
    while (tid[i] == 0) usleep(50);
  }
  for (int i = 0; i < count; i++) printf("%d ", tid[i]);
  puts("");
  fflush(stdout);
  for (;;) pause();
}

static int spawn(int count) {
  int ends[2];
  char number[16];
  if (processes == MOST || pipe2(ends, O_CLOEXEC)) return -1;
  snprintf(number, sizeof number, "%d", count);
  int pid = fork();
  if (pid == 0) {
    dup2(ends[1], 1);
    execl(self, self, "tasks", number, (char *)NULL);
    _exit(1);
  }
  close(ends[1]);
  FILE *said = fdopen(ends[0], "r");
  process[processes].pid = pid;
  process[processes].count = 0;
  while (process[processes].count < count && fscanf(said, "%d", &process[processes].tid[process[processes].count]) == 1) process[processes].count++;
  fclose(said);
  processes++;
  return pid;
}

static void end(int p) {
  kill(process[p].pid, SIGKILL);
  waitpid(process[p].pid, NULL, 0);
  process[p] = process[--processes];
}

static void thaw(const char *path) {
  char name[4096];
  snprintf(name, sizeof name, "%s/freezer.state", path);
  if (access(name, F_OK) == 0) put(name, "THAWED");
  snprintf(name, sizeof name, "%s/cgroup.freeze", path);
  if (access(name, F_OK) == 0) put(name, "0");
}

// A process that was killed stays in its cgroup for a moment longer.
static void removed(const char *path) {
  for (int tries = 0; rmdir(path) && errno == EBUSY && tries < 500; tries++) usleep(2000);
}

static void each(const char *path, void (*before)(const char *), void (*after)(const char *)) {
  char name[4096];
  if (before) before(path);
  DIR *found = opendir(path);
  struct dirent *entry;
  while (found && (entry = readdir(found))) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    each(name, before, after);
  }
  if (found) closedir(found);
  if (after) after(path);
}

static void own(void (*before)(const char *), void (*after)(const char *)) {
  char path[4096];
  for (int t = 0; t < trees; t++) {
    snprintf(path, sizeof path, "%s/%s", tree[t].mount, prefix);
    if (access(path, F_OK) == 0) each(path, before, after);
  }
}

// A frozen process cannot be ended.
static void endAll(void) {
  own(thaw, NULL);
  while (processes) end(0);
}

static int agent(const char *folder) {
  static char line[1 << 16], path[1 << 15], value[1 << 15];
  signal(SIGINT, SIG_IGN), signal(SIGHUP, SIG_IGN), signal(SIGPIPE, SIG_IGN), signal(SIGTERM, SIG_IGN);
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    char *word[8] = {0};
    int words = 0, failed = 0;
    for (char *at = strtok(line, " \n"); at && words < 8; at = strtok(NULL, " \n")) word[words++] = at;
    if (words == 0) continue;
    path[0] = value[0] = 0;
    if (word[1]) unhex(word[1], path);
    if (word[2]) unhex(word[2], value);
    switch (word[0][0]) {
      case 'T': { // mount point, names of files
        int files = 0;
        snprintf(tree[trees].mount, sizeof tree[trees].mount, "%s", path);
        for (char *at = strtok(strdup(value), " "); at; at = strtok(NULL, " ")) tree[trees].files[files++] = at;
        trees++;
        break;
      }
      case 'C': emit(path); puts("."); fflush(stdout); continue;
      case 'G': look(); fflush(stdout); continue;
      case 'W': failed = put(path, value); break;
      case 'K': failed = mkdir(path, 0755) ? errno : 0; break;
      case 'R': failed = rmdir(path) ? errno : 0; break;
      case 'A': {
        cpu_set_t set;
        CPU_ZERO(&set);
        for (char *at = strtok(value, ","); at; at = strtok(NULL, ",")) CPU_SET(atoi(at), &set);
        failed = sched_setaffinity(atoi(word[1]), sizeof set, &set) ? errno : 0;
        break;
      }
      case 'S': {
        struct sched_param parameter = {.sched_priority = atoi(word[3])};
        failed = sched_setscheduler(atoi(word[1]), atoi(word[2]), &parameter) ? errno : 0;
        if (!failed && word[4]) failed = setpriority(PRIO_PROCESS, atoi(word[1]), atoi(word[4])) ? errno : 0;
        break;
      }
      case 'P': printf("%d\n", spawn(atoi(word[1]))); fflush(stdout); continue;
      case 'Q': endAll(); break;
      default: failed = ENOSYS;
    }
    printf("%d\n", failed);
    fflush(stdout);
  }
  endAll();
  own(NULL, removed);
  unlink(self);
  rmdir(folder);
  return 0;
}

int main(int argc, char **argv) {
  self = realpath("/proc/self/exe", NULL);
  if (argc == 3 && strcmp(argv[1], "tasks") == 0) return tasks(atoi(argv[2]));
  if (argc != 4 || strcmp(argv[1], "agent") != 0) return 2;
  prefix = argv[2];
  return agent(argv[3]);
}
