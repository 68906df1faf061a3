// Command golden records what real CometBFT v0.38.25 says and hashes: the test data in testdata/cometbft-v0.38. It promises
// that a new recording has the requests of the committed one, byte for byte, on the same chain: keys, genesis, transactions
// and evidence are taken from there. Times are real. `cargo xtask golden` starts it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

const usage = `golden record|check|write [options]

  record  records the chains with CometBFT processes on this machine
  check   compares what was recorded with the committed recordings, without what hangs on the time of a run
  write   puts what was recorded in place of the committed recordings
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "golden:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		fmt.Print(usage)
		return errors.New("say what to do")
	}
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	committed := flags.String("committed", "../../testdata/cometbft-v0.38", "the committed recordings")
	out := flags.String("out", "", "folder for the new recording")
	binary := flags.String("cometbft", "", "CometBFT v0.38.25, built from the same module")
	chain := flags.String("chain", "single", "which chain")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	folder, err := filepath.Abs(*out)
	if err != nil || *out == "" {
		return errors.New("-out names the folder for the new recording")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r := recorder{
		script: recording{*committed}, out: recording{folder}, binary: *binary, work: filepath.Join(folder, "work"),
	}
	switch arguments[0] {
	case "record":
		return r.record(ctx, *chain)
	case "check":
		return r.check(*chain)
	case "write":
		return r.write(*chain)
	}
	fmt.Print(usage)
	return fmt.Errorf("%q is nothing that golden does", arguments[0])
}

func (r recorder) record(ctx context.Context, chain string) error {
	record, found := map[string]func(context.Context) error{"single": r.single, "four": r.four}[chain]
	if !found {
		return fmt.Errorf("no chain %q: single or four", chain)
	}
	// What an earlier run left must not pass for this one's.
	if err := os.RemoveAll(filepath.Join(r.out.folder, chain)); err != nil {
		return err
	}
	return record(ctx)
}

func (r recorder) check(chain string) error {
	c, err := compare(r.script, r.out, chain)
	if err != nil {
		return err
	}
	for _, line := range append(c.chances, c.differences...) {
		fmt.Println(line)
	}
	if len(c.differences) > 0 {
		return fmt.Errorf("%s: %d differences from the committed recordings", chain, len(c.differences))
	}
	fmt.Printf("%s: as committed, but for times and what hangs on them\n", chain)
	return nil
}
