package bird

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// publicURL tells the address that Bird called, which it signed. The host that
// a program sees behind a proxy is often another one.
type publicURL struct {
	fixed   string         // as configured, "" to rebuild it
	proxies []netip.Prefix // whose headers are believed
	origins []string       // that may come out of that
}

func newPublicURL(o *ReceiverOptions) (publicURL, error) {
	p := publicURL{fixed: o.PublicURL, proxies: o.TrustedProxies}
	if p.fixed != "" {
		if origin(p.fixed) == "" {
			return p, misconfigured("receiver.url", "give the public URL of the webhook subscription, with scheme and host; Bird signs it")
		}
		return p, nil
	}
	if len(p.proxies) == 0 || len(o.Origins) == 0 {
		return p, misconfigured("receiver.url", "give the public URL of the webhook subscription, or the proxies to trust and the origins that they serve")
	}
	for _, text := range o.Origins {
		allowed := origin(text)
		if allowed == "" || strings.TrimSuffix(text, "/") != allowed {
			return p, misconfigured("receiver.origins", "give each origin as scheme and host, such as https://sync.example.com")
		}
		p.origins = append(p.origins, allowed)
	}
	return p, nil
}

// of returns the address of a request as Bird called it, "" if nothing that is
// trusted tells it.
func (p *publicURL) of(r *http.Request) string {
	if p.fixed != "" {
		return p.fixed
	}
	if !p.trusts(r.RemoteAddr) {
		return ""
	}
	public := origin(forwarded(r))
	if public == "" || !slices.Contains(p.origins, public) {
		return ""
	}
	target := r.RequestURI // as sent, whatever a mux has cut off r.URL since
	if !strings.HasPrefix(target, "/") {
		target = r.URL.RequestURI()
	}
	return public + target
}

// trusts reports whether the request came from one of the proxies.
func (p *publicURL) trusts(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	addr := peer.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(p.proxies, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

// forwarded returns the scheme and the host that the outermost proxy was asked
// for, by RFC 7239 or the headers of old; those not told are the request's own.
// A sender who makes them up gains nothing: it would have to sign the result.
func forwarded(r *http.Request) string {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	for _, told := range []struct{ scheme, host string }{
		{first(r.Header.Get("X-Forwarded-Proto")), first(r.Header.Get("X-Forwarded-Host"))},
		{element(r.Header.Get("Forwarded"), "proto"), element(r.Header.Get("Forwarded"), "host")},
	} {
		if told.scheme != "" {
			scheme = told.scheme
		}
		if told.host != "" {
			host = told.host
		}
	}
	return scheme + "://" + host
}

// first returns the first entry of a list.
func first(list string) string {
	entry, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(entry)
}

// element returns a parameter of the first element of a Forwarded header.
func element(header, name string) string {
	for pair := range strings.SplitSeq(first(header), ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(key, name) {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// origin returns the scheme and host of an address in their one spelling, ""
// if they are not those of a web server.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch port := u.Port(); {
	case u.Scheme == "https" && port == "443", u.Scheme == "http" && port == "80":
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host
}
