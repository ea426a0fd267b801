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
	"syscall"

	"github.com/alecthomas/kong"
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

	Serve   serveCommand   `cmd:"" help:"Run: receive webhooks, sync, show the dashboard, until interrupted."`
	Migrate migrateCommand `cmd:"" help:"Make the tables of the store and the queue, or bring them up to date."`
	Setup   setupCommand   `cmd:"" help:"Make both accounts as the mapping needs them: properties, attributes, webhooks."`
	Doctor  doctorCommand  `cmd:"" help:"Check everything and say what to do about what is wrong."`
	Version versionCommand `cmd:"" help:"Tell which build this is."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t := &terminal{out: os.Stdout, err: os.Stderr, live: isTerminal(os.Stderr), environ: os.Environ()}
	code := run(ctx, t, os.Args[1:])
	stop()
	os.Exit(code)
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, t *terminal, args []string) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("crmsyncd"), kong.Writers(t.out, t.err), kong.Exit(func(code int) { exited = code }),
		kong.Description("Keeps a Bird workspace and a HubSpot account in step.\n\n"+exits), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return t.fail(err)
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // after --help
		return exited
	}
	t.json, t.config = c.JSON, c.Config
	if err == nil {
		err = parsed.Run(t)
	} else {
		err = usage(err.Error() + "; see crmsyncd --help")
	}
	if err != nil && ctx.Err() != nil {
		t.note("interrupted")
		return exitInterrupted
	}
	return t.fail(err)
}
