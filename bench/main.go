// Command bench compares idxdb with what one would use without it, on the same
// data and in one run, and says what is reached of what the project wants to
// reach. See README.md beside it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"syscall"

	"github.com/idxdb/idxdb/bench/internal/measure"
)

func main() {
	if asked, code := measure.LaunchIfAsked(); asked {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// config is what the flags say.
type config struct {
	short   bool
	scale   bool
	huge    bool
	check   bool
	list    bool
	data    string
	git     string
	commits int
	rounds  int
	out     string
	temp    string
	program string
	profile string
	only    *regexp.Regexp
}

func parse(args []string, stderr io.Writer) (c config, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&c.short, "short", false, "smaller data and fewer rounds, in under a minute; the limits are not judged")
	f.BoolVar(&c.scale, "scale", false, "the cost curves too, where -short leaves them out")
	f.BoolVar(&c.huge, "huge", false, "the cost curve over the size of the file up to 20 GB")
	f.BoolVar(&c.check, "check", false, "exit with code 1 if a limit was missed")
	f.BoolVar(&c.list, "list", false, "print the names of the benchmarks and end")
	f.StringVar(&c.data, "data", "", "take the states from `DIR`/NAME/NNN/{state,search}.json")
	f.StringVar(&c.git, "git", "", "build the states from the history of the git repository `REPO`")
	f.IntVar(&c.commits, "commits", 60, "how many commits of -git")
	f.IntVar(&c.rounds, "rounds", 0, "rounds of each timing (default 5 for large states, 21 for small ones, 3 with -short)")
	f.StringVar(&c.out, "o", ".", "write results.json and chart.svg into `DIR`")
	f.StringVar(&c.temp, "tmp", os.TempDir(), "keep the files in a temporary directory below `DIR`, on a real disk")
	f.StringVar(&c.program, "idxdb", "", "the idxdb `PROGRAM` (default: it is built)")
	f.StringVar(&c.profile, "cpuprofile", "", "write a CPU profile of this process to `FILE`")
	only := f.String("run", "", "run only the benchmarks whose names match `REGEXP`")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if f.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	c.only, err = regexp.Compile(*only)
	return c, err
}

// run returns the exit code: 0, 1 for an error or a missed limit with -check, 2
// for a wrong flag.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	missed, err := benchmark(ctx, c, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	if missed > 0 && c.check {
		fmt.Fprintf(stderr, "bench: %d limits were missed\n", missed)
		return 1
	}
	return 0
}

func benchmark(ctx context.Context, c config, stdout, stderr io.Writer) (missed int, err error) {
	if c.list {
		for _, st := range steps {
			fmt.Fprintf(stdout, "%-14s %s\n", st.name, st.about)
		}
		return 0, nil
	}
	s, err := newSuite(ctx, c, stderr)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if c.profile != "" {
		f, err := os.Create(c.profile)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return 0, err
		}
		defer pprof.StopCPUProfile()
	}
	if err := s.run(); err != nil {
		return 0, err
	}
	if err := s.report.WriteText(stdout); err != nil {
		return 0, err
	}
	return len(s.report.Missed()), s.writeFiles(c.out)
}

func (s *suite) writeFiles(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "results.json"), s.report.WriteJSON); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "chart.svg"), func(w io.Writer) error {
		return s.report.WriteChart(w, []string{"next-index", "first-index", "load-index", "next-" + s.series[0].Name(), "history-" + s.series[0].Name()})
	})
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
