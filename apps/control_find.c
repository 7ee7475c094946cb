/* Finds running stacks: in this user's directory of control sockets, and in the kernel's list of Unix
 * sockets, which names those of all users in this network namespace (proc(5), /proc/net/unix). No RFC.
 *
 * Called by control_client.c for its hint, by doctor.c and by ports.c. */
#include "control_find.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "args.h"

#define PREFIX      "glass-"
#define SUFFIX      ".sock"
#define LISTENING   0x10000u /* __SO_ACCEPTCON in the flags of /proc/net/unix */
#define HINTS_MAX   3        /* stacks that one line of hints names */
#define DIRENTS_MAX 100000   /* names that are looked at in a directory */

/* The stack's name in "glass-NAME.sock". */
static bool name_of_file(const char *file, char name[CONTROL_NAME_MAX + 1])
{
    size_t len = strlen(file), around = strlen(PREFIX) + strlen(SUFFIX);
    if (len <= around || len - around > CONTROL_NAME_MAX || strncmp(file, PREFIX, strlen(PREFIX)) != 0 ||
        strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0)
        return false;
    snprintf(name, CONTROL_NAME_MAX + 1, "%.*s", (int)(len - around), file + strlen(PREFIX));
    return control_name_valid(name);
}

/* Somebody listens there. A dead stack's socket refuses; one that is stopped in a debugger does not. */
static bool is_listening(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if ((size_t)snprintf(to.sun_path, sizeof to.sun_path, "%s", path) >= sizeof to.sun_path)
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool there = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EAGAIN;
    close(fd);
    return there;
}

bool control_is_running(const char *name)
{
    char path[108];
    return control_path(name, false, path, sizeof path) == 0 && is_listening(path);
}

/* Where this user's control sockets lie. */
static bool own_directory(char *to, size_t room)
{
    if (control_path(CONTROL_NAME_DEFAULT, false, to, room) < 0)
        return false;
    *strrchr(to, '/') = '\0';
    return true;
}

static bool is_listed(const struct control_found *all, size_t count, const char *directory, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].name, name) == 0 && strcmp(all[i].directory, directory) == 0)
            return true;
    return false;
}

/* `directory` is shorter than a socket's path. */
static void found_init(struct control_found *found, const char *directory, const char *name, bool ours)
{
    struct stat st;
    *found = (struct control_found){.ours = ours};
    snprintf(found->name, sizeof found->name, "%s", name);
    snprintf(found->directory, sizeof found->directory, "%s", directory);
    found->uid_known = stat(directory, &st) == 0;
    found->uid = found->uid_known ? st.st_uid : 0;
}

static size_t find_ours(struct control_found *to, size_t room, const char *directory)
{
    size_t count = 0;
    char name[CONTROL_NAME_MAX + 1], path[512];
    DIR *d = opendir(directory);
    const struct dirent *entry;
    for (int i = 0; d && i < DIRENTS_MAX && count < room && (entry = readdir(d)); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (name_of_file(entry->d_name, name) && is_listening(path))
            found_init(&to[count++], directory, name, true);
    }
    if (d)
        closedir(d);
    return count;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text == 127)
            return false;
    return true;
}

/* The listening sockets that are named as a stack's is, of everybody in this network namespace. A line is
 * "Num: RefCount Protocol Flags Type St Inode Path". */
static size_t find_others(struct control_found *to, size_t count, size_t room, const char *own)
{
    char line[512], path[256], name[CONTROL_NAME_MAX + 1];
    FILE *f = fopen("/proc/net/unix", "re");
    while (f && count < room && fgets(line, sizeof line, f)) {
        unsigned flags;
        if (sscanf(line, "%*s %*x %*x %x %*x %*x %*u %255s", &flags, path) != 2 || !(flags & LISTENING))
            continue;
        char *slash = strrchr(path, '/');
        if (!slash || slash == path || !name_of_file(slash + 1, name) || !is_printable(path))
            continue;
        *slash = '\0';
        if (strlen(path) < sizeof to->directory && strcmp(path, own) != 0 &&
            !is_listed(to, count, path, name))
            found_init(&to[count++], path, name, false);
    }
    if (f)
        fclose(f);
    return count;
}

size_t control_find(struct control_found *to, size_t room)
{
    char own[108] = "";
    size_t count = own_directory(own, sizeof own) ? find_ours(to, room, own) : 0;
    return find_others(to, count, room, own);
}

void control_found_text(const struct control_found *found, char *to, size_t room)
{
    char number[16];
    const struct passwd *user = found->uid_known ? getpwuid(found->uid) : NULL;
    snprintf(number, sizeof number, "%u", found->uid);
    const char *who = user ? user->pw_name : found->uid_known ? number : "another user";
    if (found->ours)
        snprintf(to, room, "a stack named %s runs: use --name %s", found->name, found->name);
    else if (found->uid_known && found->uid == geteuid())
        snprintf(to, room, "a stack named %s of yours runs: set XDG_RUNTIME_DIR=%s", found->name,
                 found->directory);
    else if (!found->uid_known)
        snprintf(to, room, "a stack named %s of another user runs", found->name);
    else if (found->uid == 0)
        snprintf(to, room, "a stack named %s of user %s runs: use sudo", found->name, who);
    else
        snprintf(to, room, "a stack named %s of user %s runs: only as %s can it be reached", found->name, who,
                 who);
}

void control_say_absent(const char *name)
{
    static struct control_found all[CONTROL_FOUND_MAX];
    char line[256];
    size_t count = control_find(all, CONTROL_FOUND_MAX), said = 0;
    fprintf(stderr, "glass: no stack named %s is running; ", name);
    for (; said < count && said < HINTS_MAX; said++) {
        control_found_text(&all[said], line, sizeof line);
        fprintf(stderr, "%s; ", line);
    }
    if (said < count)
        fprintf(stderr, "%zu more run ('%s doctor' lists them); ", count - said, arg_program());
    fprintf(stderr, "start one with: %s\n", arg_hint(line, sizeof line, "up", name));
}
