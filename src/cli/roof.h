// What this machine can do at most, measured the moment it is needed: rates above it are refused.
#pragma once

namespace pewter::cli {

// f32 fused multiply-adds on `threads` threads, in FLOP/s (two a multiply-add), registers only.
double measured_fma_peak(int threads);
// Bytes read a second by `threads` threads from memory far larger than the caches.
// Multiply-adds of 16-bit integers, as FLOP/s.
double measured_int16_peak(int threads);
double measured_read_bandwidth(int threads);
// Bytes read plus bytes written a second while copying, likewise.
double measured_copy_bandwidth(int threads);
// The same while changing an array in place: what is written was read before, so nothing is read
// only to be overwritten, and the rate is above a copy's.
double measured_update_bandwidth(int threads);

}  // namespace pewter::cli
