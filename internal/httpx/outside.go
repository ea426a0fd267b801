package httpx

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errInside is the failure to reach an address of this network by a URL that
// somebody else has given.
var errInside = errors.New("the address is not a public one")

// Outside returns a client for addresses that come from outside, such as a link
// in an answer. It connects to public addresses only: neither to this machine
// nor to its network, nor to the metadata service of a cloud, whatever name
// leads there. What is judged is the address that the name has resolved to at
// the moment of connecting, so that a name cannot change its mind in between.
// Through a proxy of the environment it is the proxy that connects, and judges.
func Outside() *http.Client {
	guarded := http.DefaultTransport.(*http.Transport).Clone()
	guarded.Proxy = nil
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: outward}
	guarded.DialContext = dialer.DialContext
	return &http.Client{Transport: outside{guarded}}
}

// outside connects by itself, or through the proxy.
type outside struct{ guarded http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (o outside) RoundTrip(r *http.Request) (*http.Response, error) {
	if proxy, err := http.ProxyFromEnvironment(r); err == nil && proxy != nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	return o.guarded.RoundTrip(r)
}

// outward refuses connections to what is not public.
func outward(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !public(to.Addr()) {
		return errInside
	}
	return nil
}

// inside are the networks that lead nowhere public although netip's methods
// know nothing of them: carriers', protocols', tests', and what is written as
// IPv6 of an address of IPv4.
// Source: https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry.
var inside = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("fec0::/10"),
}

// public reports whether an address is one of the public Internet.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, net := range inside {
		if net.Contains(a) {
			return false
		}
	}
	return true
}
