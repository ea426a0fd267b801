// Package loopback gives the servers of tests addresses of their own.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports lie below those that the system gives to connections and to who
// listens on port 0: of these a free one may be somebody's a moment later. So
// do the ports 10,000 above, which a Redis cluster listens on as well.
const lowest, highest = 12_000, 22_000

// An Address is one of this machine at which nobody listens. Nobody else is
// given it until it is released, not by another process either, so that it is
// there while a server is not yet, or is down.
type Address struct {
	Host, Port string
	claim      net.PacketConn
}

// Claim returns an address.
func Claim(ctx context.Context) (*Address, error) {
	var err error
	for range 1000 {
		a := &Address{Host: "127.0.0.1", Port: strconv.Itoa(lowest + rand.IntN(highest-lowest))}
		if err = a.take(ctx); err == nil {
			return a, nil
		}
	}
	return nil, fmt.Errorf("no address was found: %w", err)
}

// take claims the port by a socket of UDP, which no server of a test uses, and
// looks whether somebody else listens there.
func (a *Address) take(ctx context.Context) (err error) {
	if a.claim, err = new(net.ListenConfig).ListenPacket(ctx, "udp", a.String()); err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.String())
	if err != nil {
		return errors.Join(err, a.claim.Close())
	}
	return l.Close()
}

// String is host:port.
func (a *Address) String() string { return net.JoinHostPort(a.Host, a.Port) }

// Release lets others have the address.
func (a *Address) Release() { _ = a.claim.Close() } // nothing was written to it
