package main

import (
	"errors"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
)

// workerCommand is how the desk starts itself as the worker of package preview.
// main sees it before anything else does.
const workerCommand = "preview-worker"

// workerStandIn is there for people who come across the name.
func workerStandIn() *cobra.Command {
	return &cobra.Command{
		Use: workerCommand, Hidden: true,
		Short: "show a document to the desk; the desk starts it",
		Long: `preview-worker is what the desk starts to look at a document, shut in so that a
hostile one can do no harm. It reads the document from standard input and writes
pixels or text, in a form of its own, to standard output.`,
		Example: "  sourdine-desk preview-worker < document > answer",
		Args:    cli.Args(),
		RunE: func(*cobra.Command, []string) error {
			return cli.Failure{Err: errors.New("preview-worker takes no flags"), Code: cli.Usage}
		},
	}
}
