// One long link between a near host and one or more far hosts, each a network namespace with a TUN device of its own.
// Both directions have the same one-way delay, rate, queue and loss; all far hosts share the rate. Order is kept. Owns
// nothing but the devices: addresses and namespaces are the caller's. IPv4 only; what fits no far address is dropped.
//
//   link-emulator --near NAMESPACE --far NAMESPACE=ADDRESS [--far ...] [--delay-ms 50] [--rate-mbit 200] [--queue-ms 50]
//                 [--loss 0] [--seed 1] [--device wan0] [--report-ms 20]
//
// Prints `ready`, then a line each --report-ms in which something passed, and a last one when told to end:
//   NOW_MS BYTES_TO_NEAR BYTES_TO_FAR DROPPED_TO_NEAR DROPPED_TO_FAR
// with the time of CLOCK_MONOTONIC and counts since the start: bytes delivered, packets dropped by the queue or lost.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define FAR_MAX 16
#define PACKET_MAX_BYTES 2048
#define READS_PER_TURN 64
#define NS_PER_MS 1000000ull
#define NEVER UINT64_MAX

enum { TO_NEAR, TO_FAR, DIRECTIONS };

typedef struct Packet {
  struct Packet *next;
  uint64_t due_ns;
  int device; // where it leaves: 0 = near, else 1 + index of the far host
  int length;
  unsigned char bytes[PACKET_MAX_BYTES];
} Packet;

// One direction: what its packets have in common is the time at which the line is free again.
typedef struct {
  Packet *first, *last;
  uint64_t line_free_ns;
  uint64_t delivered_bytes, dropped_packets;
} Direction;

static struct {
  uint64_t delay_ns, queue_ns, report_ns;
  double ns_per_byte; // 0 = no limit
  double loss;
  const char *device, *near_namespace;
  const char *far_namespace[FAR_MAX];
  uint32_t far_address[FAR_MAX];
  int far_count;
} options = {.delay_ns = 50 * NS_PER_MS, .queue_ns = 50 * NS_PER_MS, .report_ns = 20 * NS_PER_MS, .ns_per_byte = 40, .device = "wan0"};

static Direction directions[DIRECTIONS];
static int devices[1 + FAR_MAX];
static Packet *unused; // packets to use again: the newest first, so that little memory is touched
static uint64_t random_state = 1;
static volatile sig_atomic_t is_told_to_end;

static void handle_signal(int number) {
  (void)number;
  is_told_to_end = 1;
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void fail(const char *what, const char *about) {
  fprintf(stderr, "link-emulator: %s %s: %s\n", what, about, strerror(errno));
  exit(1);
}

// xorshift64*, in [0, 1)
static double random_fraction(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (double)((random_state * 2685821657736338717ull) >> 11) / 9007199254740992.0;
}

static int open_device(const char *namespace) {
  char path[256];
  snprintf(path, sizeof path, "/var/run/netns/%s", namespace);
  int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int other = open(path, O_RDONLY | O_CLOEXEC);
  if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) < 0) fail("cannot enter namespace", namespace);
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, options.device, IFNAMSIZ - 1);
  if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0) fail("cannot make a TUN device in", namespace);
  if (setns(own, CLONE_NEWNET) < 0) fail("cannot return from namespace", namespace);
  close(own);
  close(other);
  return device;
}

static Packet *take_packet(void) {
  Packet *packet = unused;
  if (packet == NULL) {
    packet = malloc(sizeof *packet);
    if (packet == NULL) fail("no memory for", "a packet");
  } else {
    unused = packet->next;
  }
  return packet;
}

static void give_back(Packet *packet) {
  packet->next = unused;
  unused = packet;
}

// The device at which an IPv4 packet from the near host leaves, -1 = none.
static int far_device_of(const Packet *packet) {
  if (packet->length < 20 || packet->bytes[0] >> 4 != 4) return -1;
  uint32_t destination;
  memcpy(&destination, packet->bytes + 16, sizeof destination);
  for (int i = 0; i < options.far_count; i++)
    if (options.far_address[i] == destination) return 1 + i;
  return -1;
}

// Puts the packet on the line, or drops it. A packet that finds more than the queue's time before it has no place.
static void enter(Direction *direction, Packet *packet, uint64_t at_ns) {
  uint64_t start_ns = direction->line_free_ns > at_ns ? direction->line_free_ns : at_ns;
  int is_full = options.ns_per_byte > 0 && start_ns - at_ns > options.queue_ns;
  if (is_full || (options.loss > 0 && random_fraction() < options.loss)) {
    direction->dropped_packets++;
    give_back(packet);
    return;
  }
  direction->line_free_ns = start_ns + (uint64_t)(packet->length * options.ns_per_byte);
  packet->due_ns = direction->line_free_ns + options.delay_ns;
  packet->next = NULL;
  if (direction->last == NULL) direction->first = packet;
  else direction->last->next = packet;
  direction->last = packet;
}

static void read_device(int index) {
  Direction *direction = &directions[index == 0 ? TO_FAR : TO_NEAR];
  for (int i = 0; i < READS_PER_TURN; i++) {
    Packet *packet = take_packet();
    ssize_t length = read(devices[index], packet->bytes, PACKET_MAX_BYTES);
    packet->length = (int)length;
    packet->device = length <= 0 ? -1 : index == 0 ? far_device_of(packet) : 0;
    if (packet->device == -1) give_back(packet);
    else enter(direction, packet, now_ns());
    if (length <= 0) return;
  }
}

static void deliver_due(Direction *direction) {
  uint64_t at_ns = now_ns();
  while (direction->first != NULL && direction->first->due_ns <= at_ns) {
    Packet *packet = direction->first;
    if (write(devices[packet->device], packet->bytes, (size_t)packet->length) > 0)
      direction->delivered_bytes += (uint64_t)packet->length;
    direction->first = packet->next;
    if (direction->first == NULL) direction->last = NULL;
    give_back(packet);
  }
}

static void report(uint64_t at_ns) {
  const Direction *near = &directions[TO_NEAR], *far = &directions[TO_FAR];
  printf("%.3f %llu %llu %llu %llu\n", (double)at_ns / 1e6, (unsigned long long)near->delivered_bytes,
         (unsigned long long)far->delivered_bytes, (unsigned long long)near->dropped_packets,
         (unsigned long long)far->dropped_packets);
  fflush(stdout);
}

static uint64_t next_due_ns(void) {
  uint64_t due_ns = NEVER;
  for (int i = 0; i < DIRECTIONS; i++)
    if (directions[i].first != NULL && directions[i].first->due_ns < due_ns) due_ns = directions[i].first->due_ns;
  return due_ns;
}

static void run(void) {
  struct pollfd polled[1 + FAR_MAX];
  int device_count = 1 + options.far_count;
  for (int i = 0; i < device_count; i++) polled[i] = (struct pollfd){.fd = devices[i], .events = POLLIN};
  uint64_t report_due_ns = now_ns() + options.report_ns, reported_bytes = 0;
  while (!is_told_to_end) {
    uint64_t passed_bytes = directions[TO_NEAR].delivered_bytes + directions[TO_FAR].delivered_bytes;
    uint64_t due_ns = next_due_ns(), at_ns = now_ns();
    if (passed_bytes != reported_bytes && report_due_ns < due_ns) due_ns = report_due_ns;
    uint64_t wait_ns = due_ns > at_ns ? due_ns - at_ns : 0;
    struct timespec timeout = {.tv_sec = (time_t)(wait_ns / 1000000000ull), .tv_nsec = (long)(wait_ns % 1000000000ull)};
    ppoll(polled, (nfds_t)device_count, due_ns == NEVER ? NULL : &timeout, NULL);
    for (int i = 0; i < device_count; i++)
      if (polled[i].revents & POLLIN) read_device(i);
    for (int i = 0; i < DIRECTIONS; i++) deliver_due(&directions[i]);
    at_ns = now_ns();
    passed_bytes = directions[TO_NEAR].delivered_bytes + directions[TO_FAR].delivered_bytes;
    if (at_ns >= report_due_ns && passed_bytes != reported_bytes) {
      report(at_ns);
      reported_bytes = passed_bytes;
      report_due_ns = at_ns + options.report_ns;
    }
  }
  report(now_ns());
}

static void add_far(char *text) {
  char *equals = strchr(text, '=');
  struct in_addr address;
  if (equals == NULL || options.far_count == FAR_MAX || inet_pton(AF_INET, equals + 1, &address) != 1) {
    fprintf(stderr, "link-emulator: --far wants NAMESPACE=ADDRESS, at most %d times, not %s\n", FAR_MAX, text);
    exit(2);
  }
  *equals = '\0';
  options.far_namespace[options.far_count] = text;
  options.far_address[options.far_count++] = address.s_addr;
}

static void read_options(int count, char **values) {
  for (int i = 1; i < count; i += 2) {
    char *name = values[i], *value = i + 1 < count ? values[i + 1] : "";
    double number = atof(value);
    if (strcmp(name, "--near") == 0) options.near_namespace = value;
    else if (strcmp(name, "--far") == 0) add_far(value);
    else if (strcmp(name, "--device") == 0) options.device = value;
    else if (strcmp(name, "--delay-ms") == 0) options.delay_ns = (uint64_t)(number * NS_PER_MS);
    else if (strcmp(name, "--queue-ms") == 0) options.queue_ns = (uint64_t)(number * NS_PER_MS);
    else if (strcmp(name, "--report-ms") == 0) options.report_ns = (uint64_t)(number * NS_PER_MS);
    else if (strcmp(name, "--rate-mbit") == 0) options.ns_per_byte = number > 0 ? 8000 / number : 0;
    else if (strcmp(name, "--loss") == 0) options.loss = number;
    else if (strcmp(name, "--seed") == 0) random_state = (uint64_t)number * 2654435761ull + 1;
    else {
      fprintf(stderr, "link-emulator: unknown option %s\n", name);
      exit(2);
    }
  }
  if (options.near_namespace == NULL || options.far_count == 0) {
    fprintf(stderr, "usage: link-emulator --near NAMESPACE --far NAMESPACE=ADDRESS [--far ...] [options]\n");
    exit(2);
  }
}

int main(int count, char **values) {
  read_options(count, values);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  prctl(PR_SET_TIMERSLACK, 1000);
  // The link is no program that competes for the processor. Where this is refused it runs as any other.
  struct sched_param first = {.sched_priority = 1};
  sched_setscheduler(0, SCHED_FIFO, &first);
  signal(SIGTERM, handle_signal);
  signal(SIGINT, handle_signal);
  devices[0] = open_device(options.near_namespace);
  for (int i = 0; i < options.far_count; i++) devices[1 + i] = open_device(options.far_namespace[i]);
  printf("ready\n");
  fflush(stdout);
  run();
  return 0;
}
