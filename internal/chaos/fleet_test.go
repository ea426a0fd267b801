//go:build unix

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What an engine process serves.
const (
	hubspotPath = "/webhooks/hubspot"
	flowPath    = "/flows/bird"
	bookPath    = "/book"
)

// A fleet is engine processes behind one address for webhooks. Each that dies
// is started anew, as a supervisor does.
type fleet struct {
	settings settings
	members  []*member
	web      *http.Server
	kills    atomic.Int64
	said     tail
	stop     func()
	all      stdsync.WaitGroup
	next     atomic.Int64
	took     func(body []byte) // told of each webhook that was taken
}

// A member is one process after the other.
type member struct {
	mu      stdsync.Mutex
	program string // what to start
	process *os.Process
	address string // "" while it does not serve
}

// launch starts n processes and the balancer before them.
func launch(ctx context.Context, s settings, n int, took func(body []byte)) (*fleet, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.Webhooks = "http://" + listener.Addr().String()
	f := &fleet{settings: s, took: took}
	f.web = &http.Server{Handler: http.HandlerFunc(f.balance), ReadHeaderTimeout: 5 * time.Second}
	f.all.Go(func() { _ = f.web.Serve(listener) }) // ends with close
	ctx, f.stop = context.WithCancel(context.WithoutCancel(ctx))
	for range n {
		m := &member{program: os.Args[0]}
		f.members = append(f.members, m)
		f.all.Go(func() {
			for ctx.Err() == nil {
				f.live(ctx, m)
			}
		})
	}
	return f, nil
}

// serving waits until all processes serve.
func (f *fleet) serving(ctx context.Context) bool {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	for len(f.addresses()) < len(f.members) {
		if !pause(ctx, 10*time.Millisecond) {
			return false
		}
	}
	return true
}

// close ends the processes in good order.
func (f *fleet) close() {
	f.stop()
	_ = f.web.Close()
	f.all.Wait()
}

// live is one process from its start to its death.
func (f *fleet) live(ctx context.Context, m *member) {
	text, _ := json.Marshal(f.settings) // plain texts
	cmd, out, err := m.start(ctx, engineEnv+"="+string(text), &f.said)
	if err != nil {
		fmt.Fprintln(&f.said, "start:", err)
		return
	}
	first := make([]byte, 64)
	if n, _ := out.Read(first); n > 0 {
		m.serves(cmd.Process, strings.TrimSpace(string(first[:n])))
	}
	_, _ = io.Copy(io.Discard, out) // until it ends
	_ = cmd.Wait()                  // the reason is in what it said
	m.gone()
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
}

// start starts the process, which ends in good order when ctx does.
func (m *member) start(ctx context.Context, env string, said io.Writer) (*exec.Cmd, io.Reader, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cmd := exec.CommandContext(ctx, m.program)
	cmd.Env = append(os.Environ(), env)
	cmd.Stderr = said
	cmd.WaitDelay = 10 * time.Second
	in, _ := cmd.StdinPipe() // an error shows at Start
	out, _ := cmd.StdoutPipe()
	cmd.Cancel = in.Close
	err := cmd.Start()
	if err == nil {
		m.process = cmd.Process
	}
	return cmd, out, err
}

// serves notes where the process serves, if it was not killed meanwhile.
func (m *member) serves(p *os.Process, address string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process == p {
		m.address = address
	}
}

func (m *member) gone() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.process, m.address = nil, ""
}

// kill kills the process, as kill -9 does, whether it serves already or not.
func (f *fleet) kill(m *member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process == nil {
		return
	}
	_ = m.process.Kill() // it may have ended by itself
	m.process, m.address = nil, ""
	f.kills.Add(1)
}

// dump has every process say where it is, of which it dies.
func (f *fleet) dump(ctx context.Context) {
	for _, m := range f.members {
		m.mu.Lock()
		if m.process != nil {
			_ = m.process.Signal(syscall.SIGQUIT) // it may have ended by itself
		}
		m.mu.Unlock()
	}
	pause(ctx, time.Second)
}

// replace starts another program in the place of a member.
func (f *fleet) replace(m *member, program string) {
	m.mu.Lock()
	m.program = program
	m.mu.Unlock()
	f.kill(m)
}

// addresses are those of the processes that serve.
func (f *fleet) addresses() []string {
	var all []string
	for _, m := range f.members {
		m.mu.Lock()
		if m.address != "" {
			all = append(all, m.address)
		}
		m.mu.Unlock()
	}
	return all
}

// balance hands a webhook to the next process. One that does not answer makes
// the vendor try again.
func (f *fleet) balance(w http.ResponseWriter, r *http.Request) {
	all := f.addresses()
	if len(all) == 0 {
		http.Error(w, "nobody serves", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "half a request", http.StatusBadRequest)
		return
	}
	address := all[int(f.next.Add(1))%len(all)]
	status, err := f.hand(r, address, body)
	if err != nil {
		status = http.StatusBadGateway
	}
	w.WriteHeader(status)
}

// hand hands a webhook to a process and returns the status of its answer.
func (f *fleet) hand(r *http.Request, address string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+address+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header = r.Header.Clone()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	if res.StatusCode < http.StatusMultipleChoices {
		f.took(body)
	}
	return res.StatusCode, res.Body.Close()
}

// books asks every process that serves.
func (f *fleet) books(ctx context.Context, query string) ([]book, error) {
	var all []book
	for _, address := range f.addresses() {
		var b book
		said, err := ask(ctx, "http://"+address+bookPath+query)
		if err == nil {
			err = json.Unmarshal(said, &b)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// A tail keeps the last of what processes say.
type tail struct {
	mu   stdsync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - 500_000; over > 0 {
		t.text = slices.Delete(t.text, 0, over)
	}
	return len(p), nil
}

// lines returns the last lines.
func (t *tail) lines(n int) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(t.text, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], []byte("\n"))
}
