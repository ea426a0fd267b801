// Package httpx makes JSON calls to a vendor's HTTP API. It bounds what it
// reads, keeps paths byte for byte as given, tolerates bodies that are not
// JSON, and never lets a URL, a header or a payload into an error.
package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// MaxErrorBody bounds how much is kept of the body of an answer other than
// 2xx. What exceeds it is dropped.
const MaxErrorBody = 1 << 20

// DefaultMaxBody bounds a 2xx body when Client.MaxBody is 0.
const DefaultMaxBody = 32 << 20

// A Client calls one API. Its fields are not changed after the first call;
// methods may be called concurrently.
type Client struct {
	// Base is the scheme and host, and perhaps a path prefix, put before
	// every path.
	Base string
	// HTTP does the calls; nil means http.DefaultClient. Redirects are never
	// followed: an API that moves is an error to be seen.
	HTTP *http.Client
	// Authorize adds the credentials to the header of each request; it may
	// be nil and must be safe for concurrent use.
	Authorize func(http.Header)
	// RequestID names the response header that identifies a call to the
	// vendor's support.
	RequestID string
	// MaxBody bounds a 2xx body in bytes; 0 means [DefaultMaxBody].
	MaxBody int64
}

// A Response is what came back, whatever its status.
type Response struct {
	Status int
	Header http.Header
	// Body holds the raw body when the status is not 2xx, cut at
	// [MaxErrorBody]. It may hold personal data: never log it.
	Body []byte
	// RequestID is the vendor's name for the call, "" if it gave none.
	RequestID string
	// Duration is the time from sending the request to the end of the body.
	Duration time.Duration
}

// OK reports whether the status is 2xx.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status <= 299 }

// Do sends in as JSON (nil: no body; url.Values: as a form) to Base+path and
// decodes a 2xx body into out (nil, or an empty body: nothing is decoded). The
// path is sent as given, so it must already be escaped where the API wants it.
//
// The error is nil for every status. It is a [*TransportError] when no answer
// came, a [*BodyError] when a 2xx body was too large or not the expected
// JSON (the Response is returned too). Both are free of URLs and contents.
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, in, out any) (*Response, error) {
	req, err := c.request(ctx, method, path, query, in)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	res, err := c.doer().Do(req)
	if err != nil {
		return nil, transportError(method, err)
	}
	defer res.Body.Close()
	r := &Response{Status: res.StatusCode, Header: res.Header}
	if c.RequestID != "" {
		r.RequestID = res.Header.Get(c.RequestID)
	}
	body, err := c.read(res.Body, r.OK())
	r.Duration = time.Since(start)
	switch {
	case errors.Is(err, errTooLarge):
		return r, &BodyError{Reason: err.Error()}
	case err != nil:
		return nil, transportError(method, err)
	case !r.OK():
		r.Body = body
		return r, nil
	}
	return r, decode(body, out)
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, in any) (*http.Request, error) {
	body, contentType, err := encode(in)
	if err != nil {
		return nil, err
	}
	target := c.Base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, &BodyError{Reason: "the request's URL is malformed"}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "crmsync")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.Authorize != nil {
		c.Authorize(req.Header)
	}
	return req, nil
}

// encode returns the body and its type.
func encode(in any) (io.Reader, string, error) {
	switch in := in.(type) {
	case nil:
		return nil, "", nil
	case url.Values:
		return strings.NewReader(in.Encode()), "application/x-www-form-urlencoded", nil
	}
	data, err := json.Marshal(in)
	if err != nil {
		return nil, "", &BodyError{Reason: "the request does not encode as JSON"}
	}
	return bytes.NewReader(data), "application/json", nil
}

// doer returns the HTTP client with redirects turned off.
func (c *Client) doer() *http.Client {
	h := http.DefaultClient
	if c.HTTP != nil {
		h = c.HTTP
	}
	own := *h
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// read reads a body up to its bound. One byte more tells a body that just
// fits from one that does not.
func (c *Client) read(body io.Reader, ok bool) ([]byte, error) {
	if !ok {
		return io.ReadAll(io.LimitReader(body, MaxErrorBody))
	}
	limit := c.MaxBody
	if limit <= 0 {
		limit = DefaultMaxBody
	}
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, errTooLarge
	}
	return data, err
}

func decode(body []byte, out any) error {
	if out == nil || len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	err := json.Unmarshal(body, out)
	if err == nil {
		return nil
	}
	// The decoder's own text quotes what it read; only the place is kept.
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &BodyError{Reason: fmt.Sprintf("the answer is not JSON at byte %d", e.Offset)}
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &BodyError{Reason: fmt.Sprintf("the answer's field %q is not a %s", e.Field, e.Type)}
	}
	return &BodyError{Reason: "the answer is not the expected JSON"}
}
