// Sourdine is the online program: it runs the source's site and pickup, and is
// how the admin works on a server's home.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	return cli.Run(ctx, root(), explain, args, in, out, errOut)
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sourdine COMMAND",
		Short: "sourdine receives leaked documents, sealed, over Tor",
		Long: `sourdine receives leaked documents over Tor and keeps them sealed to the
reviewers' keys, in a vault that it cannot read.

` + exitCodes,
		Example: `  sourdine init --home /var/lib/sourdine
  sourdine channel add --home /var/lib/sourdine Nice
  sourdine reviewer add --home /var/lib/sourdine --channel Nice alice.card
  sourdine serve --home /var/lib/sourdine --tor=public`,
		RunE: cli.Group,
	}
	cmd.AddCommand(initCommand(), channelCommand(), reviewerCommand(), serveCommand(), parcelCommand(), vaultCommand(), backupCommand(), restoreCommand(), statusCommand(), cli.Version("sourdine"))
	return cli.Root(cmd)
}

// addHome gives a command the flag that all have.
func addHome(cmd *cobra.Command, home *string) {
	cmd.Flags().StringVar(home, "home", "", "the server's folder (required)")
	_ = cmd.MarkFlagRequired("home") // fails only for a flag that is not there
}
