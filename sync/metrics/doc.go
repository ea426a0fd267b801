// Package metrics tells Prometheus what an engine does.
//
//	c, err := metrics.New(metrics.Options{Queue: queue, Registerer: registry})
//	…
//	engine, err := sync.New(sync.Config{Observer: c.Observe, …})
//
// Of the calls that the engine does not see, the adapters tell by their option
// OnCall, which [Collector.Call] serves.
//
// All names begin with crmsync_. Labels have few values: names of flows,
// systems and kinds, never the id or a value of a record. The lag is measured
// from the vendor's own time of a change to the moment in which the other side
// had confirmed the write.
package metrics
