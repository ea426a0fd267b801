package queue

import (
	"strconv"
	"strings"
)

// A ticket is what a lane's token says: the shard, the shard's own token, and
// the number of the lease within this dispatcher.
type ticket struct {
	fence Fence
	lease uint64
}

// String encodes the ticket as three numbers of base 36.
func (t ticket) String() string {
	var buf [40]byte
	b := strconv.AppendInt(buf[:0], int64(t.fence.Shard), 36)
	b = strconv.AppendUint(append(b, '.'), t.fence.Token, 36)
	b = strconv.AppendUint(append(b, '.'), t.lease, 36)
	return string(b)
}

// parseTicket is the inverse of ticket.String.
func parseTicket(s string) (ticket, bool) {
	a, rest, _ := strings.Cut(s, ".")
	b, c, _ := strings.Cut(rest, ".")
	shard, err1 := strconv.ParseInt(a, 36, 32)
	token, err2 := strconv.ParseUint(b, 36, 64)
	lease, err3 := strconv.ParseUint(c, 36, 64)
	ok := err1 == nil && err2 == nil && err3 == nil
	return ticket{Fence{int(shard), token}, lease}, ok
}
