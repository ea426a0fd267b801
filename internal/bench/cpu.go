package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// cpu is the time on a processor that this process and the two servers have
// used so far. What a server does not tell counts as nothing.
func (m *machine) cpu(ctx context.Context) (time.Duration, error) {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return 0, err
	}
	total := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	pg, err := m.postgresCPU(ctx)
	if err != nil {
		return 0, err
	}
	rd, err := m.redisCPU(ctx)
	return total + pg + rd, err
}

// postgresCPU adds up the backends that are connected, the server's other
// processes, and by way of their parent the backends that are gone.
func (m *machine) postgresCPU(ctx context.Context) (total time.Duration, err error) {
	rows, err := m.admin.Query(ctx, "SELECT pid FROM pg_stat_activity")
	if err != nil {
		return 0, err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return 0, err
	}
	parents := map[int]bool{}
	for _, pid := range pids {
		used, _, parent := processTimes(pid)
		total += used
		if parent != 0 && !parents[parent] {
			parents[parent] = true
			used, gone, _ := processTimes(parent)
			total += used + gone
		}
	}
	return total, nil
}

// processTimes reads what a process of PostgreSQL used, what its children that
// ended used, and its parent; nothing of other processes, which a server
// elsewhere can share a number with.
func processTimes(pid int) (used, gone time.Duration, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || !bytes.Contains(stat, []byte("(postgres)")) {
		return 0, 0, 0
	}
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	number := func(i int) int { n, _ := strconv.Atoi(string(f[i])); return n } // the kernel writes digits
	const tick = 10 * time.Millisecond
	return time.Duration(number(11)+number(12)) * tick, time.Duration(number(13)+number(14)) * tick, number(1)
}

func (m *machine) redisCPU(ctx context.Context) (total time.Duration, err error) {
	info, err := m.redis.InfoMap(ctx, "cpu").Result()
	if err != nil {
		return 0, err
	}
	for _, name := range []string{"used_cpu_user", "used_cpu_sys", "used_cpu_user_children", "used_cpu_sys_children"} {
		seconds, err := strconv.ParseFloat(info["CPU"][name], 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(seconds * float64(time.Second))
	}
	return total, nil
}
