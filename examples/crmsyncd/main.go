// Command crmsyncd keeps a Bird workspace and a HubSpot account in step: the
// production daemon. README.md beside it begins with a trial against simulated
// vendors.
//
//	crmsyncd doctor
//	crmsyncd migrate && crmsyncd setup --yes
//	crmsyncd serve
package main

import (
	"context"
	"os"
	"os/signal"
	"os/user"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/redis/go-redis/v9"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1   // what went wrong is on standard error
	exitUsage       = 2   // the command line is wrong
	exitConfig      = 3   // the configuration is wrong
	exitFound       = 4   // the command worked and found something that a person should look at
	exitInterrupted = 130 // by a signal
)

const exits = `Exit codes: 0 done; 1 failed; 2 wrong command line; 3 wrong configuration; ` +
	`4 done, and it found something that a person should look at; 130 interrupted.`

// commands is the command line.
type commands struct {
	Config string `short:"c" default:"crmsyncd.yaml" env:"CRMSYNC_CONFIG" placeholder:"FILE" help:"The configuration (${default})."`
	JSON   bool   `name:"json" help:"Print results as JSON on standard output, errors as JSON on standard error."`

	Serve    serveCommand    `cmd:"" help:"Run: receive webhooks, sync, show the dashboard, until interrupted."`
	Migrate  migrateCommand  `cmd:"" help:"Make the tables of the store and the queue, or bring them up to date."`
	Setup    setupCommand    `cmd:"" help:"Make both accounts as the mapping needs them: properties, attributes, webhooks."`
	Doctor   doctorCommand   `cmd:"" help:"Check everything and say what to do about what is wrong."`
	Backfill backfillCommand `cmd:"" help:"Walk through all records of one side once, in stages."`
	History  historyCommand  `cmd:"" help:"Bring in what Bird's past conversations tell, such as notes of messages."`
	Verify   verifyCommand   `cmd:"" help:"Measure how well both sides agree."`
	Plan     planCommand     `cmd:"" help:"Tell what a sync would do to records, and do nothing."`
	Apply    applyCommand    `cmd:"" help:"Do what plan --json told, read from standard input."`
	Explain  explainCommand  `cmd:"" help:"Tell why each field of a record has its value."`
	Undo     undoCommand     `cmd:"" help:"Take writes back, but not what people changed since."`
	Suspend  suspendCommand  `cmd:"" help:"Keep a flow, or a part of it, from being written; what changes waits."`
	Resume   resumeCommand   `cmd:"" help:"Let what was suspended go on, and catch up."`
	DLQ      dlqCommand      `cmd:"" name:"dlq" help:"Dead letters: what was given up."`
	Erase    eraseCommand    `cmd:"" help:"Erase a person, in both systems and here."`
	Version  versionCommand  `cmd:"" help:"Tell which build this is."`
}

func main() {
	redis.SetLogger(silence{}) // its errors come back from its calls, too
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t := &terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, live: isTerminal(os.Stderr), environ: os.Environ(), actor: caller()}
	code := run(ctx, t, os.Args[1:])
	stop()
	os.Exit(code)
}

// A silence is the log of a library whose errors are told elsewhere.
type silence struct{}

// Printf implements the interface of go-redis.
func (silence) Printf(context.Context, string, ...any) {}

// caller is who is at the keyboard, as far as the system tells.
func caller() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody"
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, t *terminal, args []string) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("crmsyncd"), kong.Writers(t.out, t.err), kong.Exit(func(code int) { exited = code }),
		kong.Description("Keeps a Bird workspace and a HubSpot account in step.\n\n"+exits), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(t))
	if err != nil {
		return t.fail(err)
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // after --help
		return exited
	}
	t.json, t.config = c.JSON, c.Config
	if err != nil {
		return t.fail(usage(err.Error() + "; see crmsyncd --help"))
	}
	if code, done := t.forward(ctx, parsed, args); done {
		return code
	}
	err = parsed.Run()
	if err != nil && ctx.Err() != nil {
		t.note("interrupted")
		return exitInterrupted
	}
	return t.fail(err)
}
