// Package memqueue keeps a queue in memory. It is not for work that may not be
// lost: what waits dies with the process. It serves trials, tests and
// simulations, and it is the fastest driver by far.
//
// [New] returns a queue ready for use. [NewLog] returns the [queue.Log] below
// it, over which several dispatchers can be made to play several processes.
package memqueue
