// Package sync is the engine of crmsync: it keeps the records of two systems
// in step, in both directions, and can say why every field has the value it
// has. It knows no vendor; adapters implement [Source] and [Sink], stores
// implement [Store], and queues implement [Queue].
package sync
