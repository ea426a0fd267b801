package queue

// InMemory returns how many messages the queue holds in memory.
func InMemory(q *Queue) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, sh := range q.shards {
		if sh != nil {
			for _, l := range sh.lanes {
				n += len(l.msgs)
			}
		}
	}
	return n
}

// Lanes returns how many keys the queue knows of, and whether what it
// accounts for the streams agrees with them.
func Lanes(q *Queue) (n int, consistent bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	consistent = true
	for _, sh := range q.shards {
		if sh == nil {
			continue
		}
		n += len(sh.lanes)
		copied := shard{}
		for _, l := range sh.lanes {
			c := *l
			c.shard = &copied
			c.charge(+1)
		}
		for p := range sh.streams {
			consistent = consistent && sh.streams[p].used == copied.streams[p].used && sh.streams[p].hot == copied.streams[p].hot
		}
	}
	return n, consistent
}
