// Package alert tells people when an engine needs them: rules over what the
// engine's observer is told and what its queue holds, and notifiers for Slack,
// PagerDuty, any webhook and a log.
//
//	m, err := alert.New(alert.Options{Queue: queue, Notifiers: []alert.Notifier{slack}})
//	…
//	engine, err := sync.New(sync.Config{Observer: m.Observe, …})
//	go m.Run(ctx) // wait for it at the end
//
// A rule fires when its condition has held for a while, once for each thing it
// is about; it is told again after some hours and when it is over. Alerts name
// flows, systems, fields and rules, never a value of a record.
//
// For those who have Prometheus, sync/metrics holds the same facts; this
// package is for those who have nothing to run beside their service.
package alert
