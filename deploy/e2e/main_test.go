//go:build e2e

package e2e

import (
	"os"
	"testing"

	"sourdine/deploy/e2e/program"
)

func TestMain(m *testing.M) {
	os.Exit(program.Main(m))
}
