package httpx_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/internal/httpx"
)

// Every way to write an address that is not public is refused before anything
// is sent, and the error does not repeat it.
func TestOutsideReachesNothingInside(t *testing.T) {
	reached := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer s.Close()
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "[::127.0.0.1]",
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "[fec0::1]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "[ff02::1]", "255.255.255.255", "192.0.2.1", "[2001:db8::1]",
	} {
		c := &httpx.Client{HTTP: httpx.Outside()}
		_, err := c.Do(t.Context(), http.MethodGet, "http://"+host+port+"/secret-path", nil, nil, nil)
		var failed *httpx.TransportError
		if !errors.As(err, &failed) || reached || !strings.Contains(errors.Unwrap(failed).Error(), "not a public one") {
			t.Errorf("%s: reached %t, %v", host, reached, err)
			reached = false
		}
		if err != nil && strings.Contains(err.Error(), "secret-path") {
			t.Errorf("%s: the error tells the URL: %v", host, err)
		}
	}
}

func TestOutsideLetsPublicAddressesPass(t *testing.T) {
	for address, want := range map[string]bool{
		"104.16.0.1:443": true, "[2606:4700::1]:443": true, "[::ffff:104.16.0.1]:443": true,
		"10.0.0.1:443": false, "[fe80::1%eth0]:443": false, "no address": false,
	} {
		if err := httpx.Outward("tcp", address, nil); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A compressed answer is unpacked up to the bound and no further: 1 GB of zeros,
// sent as 1 MB, costs little memory.
func TestDoBoundsDecompressionBombs(t *testing.T) {
	var megabyte bytes.Buffer
	z := gzip.NewWriter(&megabyte)
	if _, err := z.Write(make([]byte, 1<<20)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	bomb := bytes.Repeat(megabyte.Bytes(), 1000) // one after another they are one stream
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(status)
			_, _ = w.Write(bomb)
		})
		c.MaxBody = 1 << 20
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var out string
		res, err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, &out)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
			t.Errorf("status %d: %d MB were used", status, used>>20)
		}
		if tooLarge := new(httpx.BodyError); errors.As(err, &tooLarge) != (status == http.StatusOK) || len(res.Body) > httpx.MaxErrorBody {
			t.Errorf("status %d: %v, %d bytes kept", status, err, len(res.Body))
		}
	}
}

// A header made of data ends the call before anything is sent, rather than
// becoming two headers.
func TestDoSendsNoBrokenHeader(t *testing.T) {
	reached := false
	c := serve(t, func(http.ResponseWriter, *http.Request) { reached = true })
	for _, value := range []string{"a\r\nX-Forged: 1", "a\nb", "a\x00"} {
		c.Authorize = func(h http.Header) { h.Set("Authorization", value) }
		if _, err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, nil); err == nil || reached || strings.Contains(err.Error(), "X-Forged") {
			t.Errorf("%q: reached %t, %v", value, reached, err)
		}
	}
}
