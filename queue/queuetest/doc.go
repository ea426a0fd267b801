// Package queuetest holds the conformance suites of queues.
//
// [Run] tests any [sync.Queue]. [RunLog] tests a driver: the contract of
// [queue.Log] itself, Run over it, and what only shows when several processes
// share a log, answers are late or a process dies. A driver's own test is a
// call of RunLog with a function that makes an empty log.
package queuetest
