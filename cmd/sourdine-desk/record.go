package main

import (
	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
)

func recordCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "record COMMAND", Short: "the records of the documentary base and their exhibits",
		Example: "  sourdine-desk record list --home ~/desk --passphrase-file pass.txt",
		RunE:    cli.Group,
	}
	cmd.AddCommand(recordAddCommand(), recordAttachCommand(), recordListCommand())
	return cmd
}
