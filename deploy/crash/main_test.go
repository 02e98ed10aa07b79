//go:build crash && linux && amd64

package crash

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"sourdine/deploy/crash/trace"
	"sourdine/deploy/e2e/program"
	"sourdine/vault"
)

// The environment of a run.
const (
	killsEnv = "SOURDINE_KILLS"      // about how often to kill; 100
	seedEnv  = "SOURDINE_CRASH_SEED" // what decides on everything random but keys and bytes
)

func TestMain(m *testing.M) {
	if trace.IsTracer() {
		trace.Main()
	}
	if len(os.Args) == 3 && os.Args[1] == compactArg {
		compactHere(os.Args[2])
	}
	os.Exit(program.Main(m))
}

// kills is about how many this run is to do.
func kills(t testing.TB) int {
	text := os.Getenv(killsEnv)
	if text == "" {
		return 100
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", killsEnv, err)
	}
	return n
}

// isFull reports whether this is the nightly run, which leaves out no step.
func isFull(t testing.TB) bool { return kills(t) >= 2000 }

// seedOf returns the run's seed, and says it.
func seedOf(t testing.TB) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(seedEnv); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedEnv, err)
		}
	}
	t.Logf("to do the same again: %s=%d", seedEnv, seed)
	return seed
}

// seedFor derives a fault's own seed, which does not depend on what ran before.
func seedFor(seed uint64, name string) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, seed, name)
	return h.Sum64()
}

// compactArg makes this binary compact the vault whose path follows: package
// vault's own Compact, for as long as no command calls it.
const compactArg = "compact-the-vault"

func compactHere(path string) {
	v, err := vault.Open(path)
	if err == nil {
		_, _, err = v.Compact(context.Background())
		err = errors.Join(err, v.Close())
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
