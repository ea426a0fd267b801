// Package chaos kills real processes and asks afterwards whether anything is
// missing or there twice. It has tests only; make chaos runs them for longer.
//
// Engine processes, which are this test binary started anew, keep a simulated
// Bird workspace and a simulated HubSpot account in step while people edit on
// both sides and AI agents tell of facts. Meanwhile the processes are killed
// with SIGKILL, PostgreSQL and Redis crash and come back, connections to them
// break and stall, and the disk is full for a while. What the processes leave
// behind is all that their successors have.
//
// In the end everything comes to rest and is judged from outside, in the
// simulators, and by the engine's own verification and audit.
package chaos
