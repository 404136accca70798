/// The texts of `--help`.
extension Arguments {
    var help: String { command.map(Self.help) ?? Self.overview }

    static let overview = """
        Compiles schemas (docs/IDL.md) of messages and services.

        usage: RPCCodegen COMMAND [OPTION...] [SCHEMA...]

          check     reports mistakes
          lint      reports mistakes, and what a careful reader would ask about
          format    rewrites schemas in their one form
          explain   says what a rule of a mistake or warning is about
          lock      writes schema.lock, which guards what schemas promise
          emit      writes Swift, a catalog, .proto files, descriptors, OpenAPI or Markdown

        A SCHEMA is a .rpc file, or a folder: all .rpc files in it and below it.

        Mistakes are printed as `path:line:column: error: text [IDL042]`, warnings with `warning`
        and `[LINT004]`; all of them in one run.
        Exit status: 0 done, 1 there are mistakes, warnings or, with `format --check`, files to
        rewrite, 2 wrong call or unreadable file.

        `RPCCodegen COMMAND --help` tells more; docs/CODEGEN.md tells all.
        """

    private static let rootOption = """
          --root FOLDER     the folder that imports begin at and cannot leave (default: the SCHEMA
                            where that is one folder, else the current folder)
        """
    private static let jsonOption = """
          --json            print mistakes and warnings as a JSON array
        """
    private static let helpOption = """
          -h, --help        this text
        """

    static func help(_ command: Command) -> String {
        switch command {
        case .check:
            """
            Reports the mistakes of schemas and of what they import.

            usage: RPCCodegen check [--root FOLDER] [--json] SCHEMA...

            \(rootOption)
            \(jsonOption)
            \(helpOption)

            example: RPCCodegen check Schemas
            """
        case .lint:
            """
            Reports mistakes and, of schemas without any, what a careful reader would ask about.

            usage: RPCCodegen lint [--root FOLDER] [--allow RULE,...] [--json] SCHEMA...

            \(rootOption)
              --allow RULE,...  rules not to warn of, such as LINT005; a comment
                                `// lint:allow LINT005` does the same for one line
            \(jsonOption)
            \(helpOption)

            example: RPCCodegen lint --allow LINT005 Schemas
            """
        case .format:
            """
            Rewrites schemas in their one form: spaces, line breaks and indentation change, words
            and comments do not. A schema that cannot be read is reported and left alone.

            usage: RPCCodegen format [--check] [--json] SCHEMA...

              --check           change nothing; name the files that would change, with status 1
            \(jsonOption)
            \(helpOption)

            example: RPCCodegen format Schemas
            """
        case .explain:
            """
            Says what a rule is about.

            usage: RPCCodegen explain RULE...

            \(helpOption)

            example: RPCCodegen explain IDL042 LINT004
            """
        case .lock:
            """
            Writes what the schemas below a folder promise to its file schema.lock; builds then fail
            on changes that break it (docs/EVOLUTION.md).

            usage: RPCCodegen lock [--root FOLDER] [--level LEVEL] [--approve-breaking] [SCHEMA...]

            \(rootOption)
              --level LEVEL       what fails a build from now on: wire, json (and wire; the level of
                                  a new lock) or source (and both)
              --approve-breaking  write it though something breaks that was promised
            \(jsonOption)
            \(helpOption)

            Without SCHEMA it takes every .rpc file below the folder. Nothing is written where a
            schema has mistakes, or where something breaks and that is not approved.

            example: RPCCodegen lock Schemas
            """
        case .emit: emitHelp
        }
    }

    private static let emitHelp = """
        Compiles schemas.

        usage: RPCCodegen emit KIND --output PATH [--root FOLDER] [--label TEXT] SCHEMA...

          swift             one schema to the Swift file --output
          catalog           all schemas of a module to the Swift file --output, which lists their
                            messages and services; reports names that two schemas declare
          proto             each schema to a .proto (proto3) in the folder --output
          descriptor        all schemas, and what they import, to the file --output: a protobuf
                            FileDescriptorSet
          openapi           the methods that have HTTP routes to the file --output: an OpenAPI 3.1
                            document in JSON
          markdown          all schemas to the file --output: one page about their services,
                            messages and enums

        \(rootOption)
          --output PATH     where to write; a file whose content is the same is left untouched
          --label TEXT      the name of the root in what is generated: in headers of files, or as
                            the title of the page or document
        \(jsonOption)
        \(helpOption)

        example: RPCCodegen emit proto --output build/proto Schemas
        """
}
