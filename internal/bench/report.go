package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// A report is all that was measured. What was left out is empty.
type report struct {
	Date     string            `json:"date"`
	Machine  string            `json:"machine"`
	Versions map[string]string `json:"versions"`
	Rounds   int               `json:"rounds"`
	Scale    float64           `json:"scale"`
	Took     string            `json:"took"`
	Targets  []target          `json:"targets"`
	Queues   []queueRow        `json:"queues,omitempty"`
	Latency  []latencyRow      `json:"latency,omitempty"`
	Held     []heldRow         `json:"held,omitempty"`
	Claim    []claimRow        `json:"claim,omitempty"`
	Commits  []commitRow       `json:"commits,omitempty"`
}

// describe says where and with what the run is made.
func (b *bench) describe(ctx context.Context) error {
	var pg string
	if err := b.admin.QueryRow(ctx, "SHOW server_version").Scan(&pg); err != nil {
		return err
	}
	info, err := b.redis.InfoMap(ctx, "server").Result()
	if err != nil {
		return err
	}
	r := &b.report
	r.Date, r.Rounds, r.Scale = time.Now().UTC().Format(time.DateTime), b.rounds, b.scale
	r.Machine = fmt.Sprintf("%d × %s, %s/%s", runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH)
	r.Versions = map[string]string{"Go": runtime.Version(), "PostgreSQL": pg, "Redis": info["Server"]["redis_version"]}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range build.Deps {
			switch dep.Path {
			case "github.com/riverqueue/river", "github.com/hibiken/asynq", "github.com/jackc/pgx/v5", "github.com/redis/go-redis/v9", "modernc.org/sqlite":
				r.Versions[dep.Path] = dep.Version
			}
		}
	}
	return nil
}

// A target is a promise of the project, and what came of it.
type target struct {
	Promise  string `json:"promise"`
	Measured string `json:"measured"`
	Met      bool   `json:"met"`
}

// judge compares what was measured with what is promised.
func (r *report) judge() {
	for _, work := range []string{"", " unique"} {
		r.judgeRatio("pgqueue", "river"+work, 6)
		r.judgeRatio("redisqueue", "asynq"+work, 12)
		r.judgeRatio("sqlitequeue", "river"+work, 9)
	}
	var violations int64
	for _, row := range r.Queues {
		if isOurs(row.Engine) {
			violations += row.Order + row.Exclusive
		}
		if row.Engine == "pgqueue" && row.Scenario == uniform.Name {
			r.add("pgqueue takes at most 20 µs of CPU a message", row.CPU <= 20, "%.1f µs", row.CPU)
		}
	}
	if len(r.Queues) > 0 {
		r.add("ours break order and exclusivity never", violations == 0, "%d times", violations)
	}
	for _, row := range r.Held {
		if row.Engine == "pgqueue" {
			r.add("pgqueue keeps 3,000/s with p99 < 100 ms under a long transaction", row.Kept && row.P99 < 100, "p99 %.1f ms", row.P99)
		}
	}
	for _, row := range r.Claim {
		if row.Waiting == waiting[len(waiting)-1] {
			r.add(row.Engine+" claims at 10⁶ waiting for at most 1.5 times what it takes at 10³", max(row.TakeRatio, row.CPURatio) <= 1.5,
				"time × %.2f, CPU × %.2f", row.TakeRatio, row.CPURatio)
		}
	}
}

func (r *report) judgeRatio(engine, peer string, least float64) {
	for _, row := range r.Queues {
		for _, x := range row.Ratios {
			if row.Scenario == uniform.Name && row.Engine == engine && x.Peer == peer {
				r.add(fmt.Sprintf("%s does at least %.0f times what %s does", engine, least, peer), x.Median >= least, "× %.1f", x.Median)
			}
		}
	}
}

func (r *report) add(promise string, met bool, format string, args ...any) {
	r.Targets = append(r.Targets, target{promise, fmt.Sprintf(format, args...), met})
}
