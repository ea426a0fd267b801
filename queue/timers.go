package queue

import "container/heap"

// timers is a heap of the lanes that wait for a moment: the end of a lease or
// of a sleep. A lane knows its place, so that it can be taken out.
type timers []*lane

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].due.Before(t[j].due) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].timer, t[j].timer = i+1, j+1
}

// Push implements heap.Interface.
func (t *timers) Push(x any) {
	l := x.(*lane)
	*t = append(*t, l)
	l.timer = len(*t)
}

// Pop implements heap.Interface.
func (t *timers) Pop() any {
	old := *t
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	l.timer = 0
	return l
}

// set puts the lane in, or moves it, according to its due time.
func (t *timers) set(l *lane) {
	if l.timer == 0 {
		heap.Push(t, l)
		return
	}
	heap.Fix(t, l.timer-1)
}

// clear takes the lane out if it is in.
func (t *timers) clear(l *lane) {
	if l.timer != 0 {
		heap.Remove(t, l.timer-1)
	}
}
