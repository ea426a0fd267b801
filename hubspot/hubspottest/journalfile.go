package hubspottest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

// filesPath is where the simulator keeps the files; the vendor keeps them in a store of another company.
const filesPath = "/webhooks-journal-files/"

// reference signs an address for a while.
func (a *Account) reference(f *journalFile) journalRef {
	until := a.now().Add(a.server.opts.App.JournalURLTTL)
	expires := strconv.FormatInt(until.UnixMilli(), 10)
	return journalRef{
		URL:       a.URL + filesPath + f.offset + "?expires=" + expires + "&signature=" + a.presign(f.offset, expires),
		ExpiresAt: until.Format(timeLayout), CurrentOffset: f.offset,
	}
}

func (a *Account) presign(offset, expires string) string {
	mac := hmac.New(sha256.New, []byte(a.server.ClientSecret))
	mac.Write([]byte(offset + "\n" + expires))
	return hex.EncodeToString(mac.Sum(nil))
}

// journalFile answers a signed address without any token.
func (a *Account) journalFile(q *request) response {
	offset, params := q.PathValue("offset"), q.URL.Query()
	ms, _ := strconv.ParseInt(params.Get("expires"), 10, 64)
	signed := hmac.Equal([]byte(params.Get("signature")), []byte(a.presign(offset, params.Get("expires"))))
	f, known := a.server.journal.file(offset)
	if !signed || !known || !a.now().Before(time.UnixMilli(ms)) {
		return response{http.StatusForbidden, markup("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")}
	}
	return ok(map[string]any{
		"offset": f.offset, "journalEvents": f.events, "publishedAt": f.published.Format(timeLayout),
	})
}
