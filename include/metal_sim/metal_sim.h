/* Software Metal's own functions: what a test asks of it beyond Apple's API. Plain C; also to be
 * had with dlsym. Environment: METAL_SIM_CHECKS=1, METAL_SIM_MODE=deferred, METAL_SIM_SEED=n. */
#ifndef METAL_SIM_METAL_SIM_H
#define METAL_SIM_METAL_SIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Since the start or the last reset; "alive" is now, "peak" since the last reset. */
typedef struct metal_sim_counters {
  uint64_t messages; /* objc_msgSend and its like, nil receivers not counted */
  uint64_t objects_made, objects_alive;
  uint64_t queues_made, queues_alive;
  uint64_t command_buffers_made, command_buffers_alive;
  uint64_t encoders;    /* compute and blit encoders that a program opened */
  uint64_t dispatches;  /* of compute kernels */
  uint64_t mps_encodes; /* encodes of MPS kernels */
  uint64_t blits;       /* copies and fills */
  uint64_t commits, waits;
  uint64_t buffers_made, buffers_alive;
  uint64_t bytes_made, bytes_alive, bytes_peak; /* of buffers and heaps */
} metal_sim_counters;

void metal_sim_get_counters(metal_sim_counters* counters);
void metal_sim_reset_counters(void);

/* Checks: objects alive at exit, threads with no autorelease pool, queues and command buffers
 * piling up, contents read before the work was waited for, messages to deallocated objects. Each
 * finding is a line on stderr; a process that had any ends with status 70. Turn on before the first
 * object. */
void metal_sim_set_checks(int on);
int metal_sim_get_checks(void);
uint64_t metal_sim_findings(void);        /* so far */
const char* metal_sim_last_finding(void); /* "" if none; valid until the next */
void metal_sim_forget_findings(void);

/* Synchronous: commit runs the work before it returns. Deferred: nothing runs before somebody
 * waits, or some milliseconds pass; with a seed not 0, some of it runs earlier, as the seed has it,
 * and dispatches of concurrent encoders change places between barriers. */
enum { METAL_SIM_SYNCHRONOUS = 0, METAL_SIM_DEFERRED = 1 };
void metal_sim_set_mode(int mode, uint64_t seed);

/* Bytes that buffers and heaps may take together; 0: no limit. Beyond it newBuffer... gives nil. */
void metal_sim_set_memory_limit(uint64_t bytes);
/* The next command buffer that runs ends with this MTLCommandBufferError (3: page fault, ...). */
void metal_sim_fail_next_command_buffer(int code);
/* Work on command buffers is encoded and scheduled, but computes nothing: for measuring the host.
 */
void metal_sim_set_null_execution(int on);

#ifdef __cplusplus
}
#endif
#endif
