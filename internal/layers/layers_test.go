package layers

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// module is the path of the module whose layers are tested.
const module = "github.com/urbanhub/crmsync"

// A rule forbids packages to reach others through their imports. Packages are
// named by patterns, which end in "/..." to include everything below; those
// that begin with "./" are the module's own.
type rule struct {
	name string
	// of are the packages the rule is about, except are not.
	of, except []string
	// only, when not nil, lists all they may reach beside the standard
	// library and themselves; never lists what they must not reach.
	only, never []string
}

var (
	simulators = []string{"./hubspot/hubspottest/...", "./bird/birdtest/..."}
	// suites are the packages that tests import and nothing else does.
	suites = []string{"./store/storetest", "./queue/queuetest", "./sync/adaptertest", "./sync/simtest/...", "./internal/pgtest", "./internal/redistest"}
	// databases are the drivers of databases and what opens them.
	databases = []string{
		"database/sql/...", "github.com/jackc/...", "github.com/lib/pq/...", "github.com/redis/...",
		"modernc.org/...", "github.com/mattn/go-sqlite3/...", "github.com/nats-io/...",
	}
)

var rules = []rule{
	{
		name: "the core stands on the standard library and two small modules",
		of:   []string{"./sync"},
		only: []string{"golang.org/x/sync/...", "github.com/cenkalti/backoff/v4"},
	},
	{
		name: "the dashboard stands on the core alone",
		of:   []string{"./sync/dashboard"},
		only: []string{"./sync", "golang.org/x/sync/...", "github.com/cenkalti/backoff/v4"},
	},
	{
		name:   "engine, stores, queues and mappings reach no adapter",
		of:     []string{"./sync/...", "./store/...", "./queue/...", "./mapping/..."},
		except: []string{"./sync/simtest/..."},
		never:  []string{"./hubspot/...", "./bird/..."},
	},
	{
		name:  "the hubspot adapter reaches no other adapter, store or queue",
		of:    []string{"./hubspot/..."},
		never: []string{"./bird/...", "./store/...", "./queue/..."},
	},
	{
		name:  "the bird adapter reaches no other adapter, store or queue",
		of:    []string{"./bird/..."},
		never: []string{"./hubspot/...", "./store/...", "./queue/..."},
	},
	{
		name:  "the hubspot simulator does not know its adapter, nor the engine",
		of:    []string{"./hubspot/hubspottest"},
		never: []string{"./hubspot", "./sync/...", "testing/..."},
	},
	{
		name:  "the bird simulator does not know its adapter, nor the engine",
		of:    []string{"./bird/birdtest"},
		never: []string{"./bird", "./sync/...", "testing/..."},
	},
	{
		name:   "production code reaches no testing",
		of:     []string{"./..."},
		except: suites,
		never:  append([]string{"testing/..."}, suites...),
	},
	{
		name:   "production code reaches no simulator",
		of:     []string{"./..."},
		except: append([]string{"./examples/...", "./sync/simtest/...", "./internal/simpreset"}, simulators...),
		never:  simulators,
	},
	{
		name:   "only stores, queues, the daemon and the embedding example link a database",
		of:     []string{"./..."},
		except: []string{"./store/...", "./queue/...", "./internal/...", "./examples/crmsyncd/...", "./examples/embed", "./examples/loadtest/..."},
		never:  databases,
	},
	{
		name:  "what runs in memory links no database",
		of:    []string{"./store/memstore", "./queue", "./queue/memqueue", "./store/storetest", "./queue/queuetest"},
		never: databases,
	},
}

func TestLayers(t *testing.T) {
	packages := load(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			checked := 0
			for _, p := range packages {
				if !matches(p.ImportPath, r.of) || matches(p.ImportPath, r.except) {
					continue
				}
				checked++
				for _, dep := range p.Deps {
					if r.forbids(p.ImportPath, packages[dep]) {
						t.Errorf("%s reaches %s:\n\t%s", p.ImportPath, dep,
							strings.Join(packages.way(p.ImportPath, dep), "\n\t"))
					}
				}
			}
			if checked == 0 {
				t.Errorf("no package matches %v: the rule protects nothing", r.of)
			}
		})
	}
}

// forbids reports whether the rule keeps a package from reaching dep.
func (r *rule) forbids(from string, dep *pkg) bool {
	if dep.ImportPath == from {
		return false
	}
	if r.only != nil && !dep.Standard && !matches(dep.ImportPath, r.only) {
		return true
	}
	return matches(dep.ImportPath, r.never)
}

// matches reports whether one of the patterns names the package.
func matches(importPath string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if strings.HasPrefix(pattern, "./") {
			pattern = path.Join(module, pattern)
		}
		tree, all := strings.CutSuffix(pattern, "/...")
		return importPath == tree || all && strings.HasPrefix(importPath, tree+"/")
	})
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		path, pattern string
		want          bool
	}{
		{module + "/sync", "./sync", true},
		{module + "/sync/syncmock", "./sync", false},
		{module + "/sync/syncmock", "./sync/...", true},
		{module + "/sync", "./sync/...", true},
		{module + "/synchrotron", "./sync/...", false},
		{module, "./...", true},
		{"sync", "./sync", false},
		{"testing", "testing/...", true},
		{"testing/synctest", "testing/...", true},
	} {
		if got := matches(c.path, []string{c.pattern}); got != c.want {
			t.Errorf("matches(%q, %q) = %v", c.path, c.pattern, got)
		}
	}
}
