// What the oracle runs on a host: tells what is there, does one thing at a time and says which errno came of it.
//   agent PREFIX FOLDER   until its standard input ends; then it ends its processes, removes every cgroup named PREFIX, and FOLDER
//   tasks COUNT           that many threads that wait; prints their TIDs, its own first
// A line is a command, its answer a line; paths and values are in hexadecimal, so that they can hold any byte. `G` looks, and so
// does a command behind `!` when it is done: everything is read, and what reads otherwise than at the last look is told, up to a
// line `.` (after `N` the next look tells everything):
//   d PATH, D PATH        a directory is there; is gone with its files
//   f LENGTH PATH         a file, and its text
//   e ERRNO PATH, x PATH  a file that cannot be read; one that is gone
//   l PATH TARGET         a link
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
#define FILES 32
// What was last told of a file: it is read at every look, and told again when it reads something else.
struct file { int fd, known; ssize_t length; char *text; };
struct directory { char *path, *name; int fd, tree, seen; ino_t inode; nlink_t links; struct directory *child, *next; struct file file[FILES]; };
static struct { char mount[256]; char *files[FILES + 1]; struct directory *root, *own; } tree[MOST];
static const char *const of[] = {"stat", "cgroup", "status"};
static struct { int pid, count, told, tid[16]; struct file file[16][3], status; } process[MOST];
static int trees, processes, rearranged;
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

static void forget(struct file *file) {
  if (file->fd > 0) close(file->fd);
  free(file->text);
  *file = (struct file){0};
}

static ssize_t again(int fd) {
  ssize_t length = 0, more;
  // These files are made anew when they are read from their beginning, and given whole, but for long ones.
  while ((more = pread(fd, buffer + length, sizeof buffer - length, length)) > 0 && (length += more) > 2000) continue;
  return more < 0 ? -errno : length;
}

// Files stay open from look to look. One whose controller was turned off reads ENODEV for ever; there may be a new one.
static int tell(struct file *file, int at, const char *name, const char *folder, const char *path) {
  ssize_t length = file->fd > 0 ? again(file->fd) : -ENODEV;
  if (length < 0) {
    if (file->fd > 0) close(file->fd);
    file->fd = openat(at, name, O_RDONLY | O_CLOEXEC);
    length = file->fd > 0 ? again(file->fd) : -errno;
    if (file->fd < 0) file->fd = 0;
  }
  if (file->known ? length == file->length && (length <= 0 || memcmp(buffer, file->text, length) == 0) : length == -ENOENT) return 0;
  if (length == -ENOENT) printf("x %s%s\n", folder, path);
  else if (length < 0) printf("e %zd %s%s\n", -length, folder, path);
  else {
    printf("f %zd %s%s\n", length, folder, path);
    fwrite(buffer, 1, length, stdout);
    file->text = realloc(file->text, length + 1);
    memcpy(file->text, buffer, length);
  }
  file->known = length != -ENOENT;
  file->length = length;
  return 1;
}

static void forgetProcess(int p) {
  for (int i = 0; i < 16; i++) for (int f = 0; f < 3; f++) forget(&process[p].file[i][f]);
  forget(&process[p].status);
  process[p].told = 0;
}

static struct directory *meet(int t, int at, const char *name, const char *path) {
  struct stat is;
  int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return NULL;
  struct directory *found = calloc(1, sizeof *found);
  *found = (struct directory){.path = strdup(path), .name = strdup(name), .fd = fd, .tree = t, .inode = fstat(fd, &is) ? 0 : is.st_ino};
  printf("d %s\n", path);
  return found;
}

static void drop(struct directory *gone, int tells) {
  for (struct directory *next; gone->child; gone->child = next) next = gone->child->next, drop(gone->child, tells);
  if (tells) printf("D %s\n", gone->path);
  for (int i = 0; i < FILES; i++) forget(&gone->file[i]);
  close(gone->fd);
  free(gone->path), free(gone->name), free(gone);
}

static void leave(struct directory *gone) {
  drop(gone, 1);
}

// Which directories there are, by name and by inode: one may have been removed and made again.
static void meetChildren(struct directory *in) {
  char path[4096];
  struct directory *old = in->child, **last = &in->child;
  in->child = NULL;
  lseek(in->fd, 0, SEEK_SET);
  DIR *list = fdopendir(dup(in->fd));
  for (struct dirent *entry; list && (entry = readdir(list));) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    struct directory **at = &old, *found;
    while (*at && !((*at)->inode == entry->d_ino && strcmp((*at)->name, entry->d_name) == 0)) at = &(*at)->next;
    if ((found = *at)) *at = found->next;
    else {
      for (at = &old; *at && strcmp((*at)->name, entry->d_name); at = &(*at)->next) continue;
      if (*at) { struct directory *gone = *at; *at = gone->next; leave(gone); }
      snprintf(path, sizeof path, "%s/%s", in->path, entry->d_name);
      if (!(found = meet(in->tree, in->fd, entry->d_name, path))) continue;
    }
    found->next = NULL;
    *last = found;
    last = &found->next;
  }
  if (list) closedir(list);
  for (struct directory *next; old; old = next) next = old->next, leave(old);
}

// A file comes with its controller, which cgroup.controllers, read first, says of this cgroup: what is not there is looked for
// again only when something else here or above reads otherwise, or when any directory was made or removed.
static int visit(struct directory *here, int deep, int changed) {
  struct stat is;
  char path[4096];
  snprintf(path, sizeof path, "%s/", here->path);
  changed |= rearranged;
  for (int i = 0; tree[here->tree].files[i]; i++)
    if (here->file[i].fd > 0 || changed || !here->seen) changed |= tell(&here->file[i], here->fd, tree[here->tree].files[i], path, tree[here->tree].files[i]);
  here->seen = 1;
  if (!deep) return changed;
  // A directory of a cgroup has a link for each of its children.
  if (fstat(here->fd, &is) == 0 && (rearranged || is.st_nlink != here->links)) meetChildren(here), here->links = is.st_nlink;
  for (struct directory *child = here->child; child; child = child->next) visit(child, 1, changed);
  return changed;
}

static void look(void) {
  char path[4096], target[4096];
  struct stat is;
  for (int t = 0; t < trees; t++) {
    if (!tree[t].root) tree[t].root = meet(t, AT_FDCWD, tree[t].mount, tree[t].mount);
    int changed = visit(tree[t].root, 0, 0);
    snprintf(path, sizeof path, "%s/%s", tree[t].mount, prefix);
    int there = fstatat(tree[t].root->fd, prefix, &is, 0) == 0;
    if (tree[t].own && !(there && is.st_ino == tree[t].own->inode)) leave(tree[t].own), tree[t].own = NULL;
    if (there && !tree[t].own) tree[t].own = meet(t, tree[t].root->fd, prefix, path);
    if (tree[t].own) visit(tree[t].own, 1, changed);
  }
  rearranged = 0;
  for (int p = 0; p < processes; p++) {
    int pid = process[p].pid;
    for (int i = 0; i < process[p].count; i++)
      for (int f = 0; f < 3; f++) {
        snprintf(path, sizeof path, "/proc/%d/task/%d/%s", pid, process[p].tid[i], of[f]);
        tell(&process[p].file[i][f], AT_FDCWD, path, "", path);
      }
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    tell(&process[p].status, AT_FDCWD, path, "", path);
    if (process[p].told++) continue;
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    emit(path);
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length > 0) printf("l %s %.*s\n", path, (int)length, target);
  }
  puts(".");
}

static void forgetAll(void) {
  for (int t = 0; t < trees; t++) {
    if (tree[t].root) drop(tree[t].root, 0);
    if (tree[t].own) drop(tree[t].own, 0);
    tree[t].root = tree[t].own = NULL;
  }
  for (int p = 0; p < processes; p++) forgetProcess(p);
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
  process[processes].count = process[processes].told = 0;
  while (process[processes].count < count && fscanf(said, "%d", &process[processes].tid[process[processes].count]) == 1) process[processes].count++;
  fclose(said);
  processes++;
  return pid;
}

static void end(int p) {
  kill(process[p].pid, SIGKILL);
  waitpid(process[p].pid, NULL, 0);
  forgetProcess(p);
  process[p] = process[--processes];
  memset(&process[processes], 0, sizeof process[0]);
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
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);
  static char unsent[1 << 18];
  setvbuf(stdout, unsent, _IOFBF, sizeof unsent); // an answer and all that changed are one write
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    char *word[8] = {0};
    int words = 0, failed = 0;
    for (char *at = strtok(line, " \n"); at && words < 8; at = strtok(NULL, " \n")) word[words++] = at;
    if (words == 0) continue;
    int looks = word[0][0] == '!';
    path[0] = value[0] = 0;
    if (word[1]) unhex(word[1], path);
    if (word[2]) unhex(word[2], value);
    switch (word[0][looks]) {
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
      case 'K': failed = mkdir(path, 0755) ? errno : 0; rearranged = 1; break;
      case 'R': failed = rmdir(path) ? errno : 0; rearranged = 1; break;
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
      case 'N': forgetAll(); break;
      case 'Q': endAll(); break;
      default: failed = ENOSYS;
    }
    printf("%d\n", failed);
    if (looks) look();
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
