package queue

// A list is a first-in-first-out list of lanes. A lane is in one list at most
// and can leave from the middle.
type list struct {
	first, last *lane
	len         int
}

// push adds the lane at the end.
func (s *list) push(l *lane) {
	l.in, l.prev, l.next = s, s.last, nil
	if s.last == nil {
		s.first = l
	} else {
		s.last.next = l
	}
	s.last = l
	s.len++
}

// unlink takes the lane out of the list it is in, if any.
func (l *lane) unlink() {
	s := l.in
	if s == nil {
		return
	}
	if l.prev == nil {
		s.first = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		s.last = l.prev
	} else {
		l.next.prev = l.prev
	}
	s.len--
	l.in, l.prev, l.next = nil, nil, nil
}
