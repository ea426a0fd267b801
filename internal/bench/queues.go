package main

import (
	"context"
	"time"
)

// scenarios are the loads of the section "queues".
var scenarios = []scenario{
	{pattern: uniform, messages: 200_000, preload: true},
	{pattern: hot, messages: 100_000},
	{pattern: pattern{"busy", 200, 20}, takes: 300 * time.Microsecond, messages: 20_000},
}

// queues plays the scenarios in rounds, one engine after the other, so that
// what disturbs the machine disturbs all. Ratios are taken inside a round.
func (b *bench) queues(ctx context.Context) error {
	for _, s := range scenarios {
		s.messages = b.scaled(s.messages)
		runs := map[string][]run{}
		for round := range b.rounds {
			for i := range makers {
				k := &makers[i]
				if !b.takesPart(k.name) {
					continue
				}
				r, err := s.play(ctx, b.machine, k)
				if err != nil {
					return err
				}
				progress("%s, round %d, %s: %.0f/s, %.1f µs", s.Name, round+1, k.name, r.Mixed, r.CPU)
				runs[k.name] = append(runs[k.name], r)
			}
		}
		for i := range makers {
			if k := &makers[i]; len(runs[k.name]) > 0 {
				b.report.Queues = append(b.report.Queues, summarize(&s, k, runs))
			}
		}
	}
	return nil
}

// A queueRow is what a scenario came to for an engine: medians of the rounds.
type queueRow struct {
	Scenario  string   `json:"scenario"`
	Engine    string   `json:"engine"`
	Messages  int      `json:"messages"`
	Insert    float64  `json:"insert_per_s,omitempty"`
	Drain     float64  `json:"drain_per_s,omitempty"`
	Mixed     float64  `json:"mixed_per_s"`
	CPU       float64  `json:"cpu_us_per_message"`
	Bytes     float64  `json:"bytes_per_waiting_message,omitempty"`
	Order     int64    `json:"order_violations"`
	Exclusive int64    `json:"exclusivity_violations"`
	Doubled   int64    `json:"delivered_twice"`
	Ratios    []ratios `json:"ratios,omitempty"`
}

// peers are the engines that rates are compared with: each as fast as it can,
// and dropping doubles, which is the work that ours do.
var peers = []string{"river", "river unique", "asynq", "asynq unique"}

// ratios compare the rate of the mixed phase with that of a peer in the same
// round.
type ratios struct {
	Peer   string  `json:"peer"`
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

func summarize(s *scenario, k *maker, runs map[string][]run) queueRow {
	mine := runs[k.name]
	of := func(field func(*run) float64) float64 {
		values := make([]float64, len(mine))
		for i := range mine {
			values[i] = field(&mine[i])
		}
		return median(values)
	}
	row := queueRow{
		Scenario: s.Name, Engine: k.name, Messages: mine[0].Messages,
		Insert: of(func(r *run) float64 { return r.Insert }),
		Drain:  of(func(r *run) float64 { return r.Drain }),
		Mixed:  of(func(r *run) float64 { return r.Mixed }),
		CPU:    of(func(r *run) float64 { return r.CPU }),
		Bytes:  of(func(r *run) float64 { return r.Bytes }),
	}
	for _, r := range mine {
		row.Order, row.Exclusive, row.Doubled = row.Order+r.Order, row.Exclusive+r.Exclusive, row.Doubled+r.Doubled
	}
	for _, peer := range peers {
		if theirs := runs[peer]; len(theirs) == len(mine) && peer != k.name {
			row.Ratios = append(row.Ratios, compare(peer, mine, theirs))
		}
	}
	return row
}

func compare(peer string, mine, theirs []run) ratios {
	values := make([]float64, len(mine))
	for i := range mine {
		values[i] = mine[i].Mixed / theirs[i].Mixed
	}
	least, most := extremes(values)
	return ratios{peer, median(values), least, most}
}
