// Bench measures the queues and stores of crmsync beside what a team would
// otherwise pick, doing the same work on the same machine in one run:
//
//	make bench-peers
//	go run ./internal/servers -- go -C internal/bench run . -only queues -json
//
// It needs the two variables of internal/servers and Linux or another system
// with getrusage; what the database servers use is counted where /proc or the
// server itself tells it. It is a module of its own, so that the modules of
// the peers stay out of crmsync. The README beside it says what is measured
// and how, and shows the results of a run.
package main
