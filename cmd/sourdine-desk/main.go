// Sourdine-desk is the offline program: a reviewer's keys, submissions and
// records. It never dials, and from its first moment on cannot (promise 7).
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/offline"
	"sourdine/journalist-ui/preview"
)

func main() {
	// The worker shuts itself in, tighter than Seal, before it opens anything.
	if len(os.Args) == 2 && os.Args[1] == workerCommand {
		os.Exit(preview.RunWorker())
	}
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program whatever it waits for
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// endings are the signals after which the program puts away what it has in hand
// and ends. The terminal's end is one, unless nohup(1) asked to outlive it.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	return cli.Run(ctx, root(), explain, args, in, out, errOut)
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sourdine-desk COMMAND",
		Short: "sourdine-desk opens what sources sent, on a machine without network",
		Long: `sourdine-desk is a reviewer's desk: it makes the reviewer's keys, takes in the
parcels that come on a USB stick, holds them to the server's log, shows what is in
them, keeps the records of the documentary base, and writes the parcels that go
back. It needs no network and cannot use one.

` + exitCodes,
		Example: `  sourdine-desk init --home ~/desk --name "Alice, Nice" --passphrase-file pass.txt
  sourdine-desk card --home ~/desk > alice.card
  sourdine-desk import --home ~/desk --passphrase-file pass.txt /media/usb/parcel.tar
  sourdine-desk serve --home ~/desk
  sourdine-desk return --home ~/desk --passphrase-file pass.txt -o /media/usb/return.tar`,
		RunE:              cli.Group,
		PersistentPreRunE: sealFirst,
	}
	cmd.AddCommand(initCommand(), cardCommand(), importCommand(), listCommand(), getCommand(), recordCommand(), serveCommand(),
		auditCommand(), checkpointCommand(), compareCommand(), restoredCommand(), replyCommand(), deleteCommand(), renewCommand(), returnCommand(),
		clientKeyCommand(), workerStandIn(), cli.Version("sourdine-desk"))
	return cli.Root(cmd)
}

// listens marks the one command that opens its listener before it seals.
const listens = "listens"

// sealFirst takes the network away before a command does anything.
func sealFirst(cmd *cobra.Command, _ []string) error {
	if cmd.Annotations[listens] != "" {
		return nil
	}
	return offline.Seal()
}
