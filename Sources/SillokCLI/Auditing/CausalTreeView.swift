import Sillok
import SillokHistory
import SillokTerminal

/// Draws a tree of causes: a line for each command and event.
struct CausalTreeView {
    let tree: CausalTree
    /// The requested event.
    let marked: Position
    let terminal: Terminal
    private static let deepest = 40

    /// The lines, from the first cause down.
    var lines: [String] {
        zip(tree.nodes.indices, branches).map { index, branch in
            let node = tree.nodes[index]
            let line = terminal.styled(branch, .dim) + text(of: node, at: index)
            guard case .event(let event) = node.subject, event.position == marked else { return line }
            return line + terminal.styled("  ◀", .yellow)
        }
    }

    /// What one place of the tree is, for machines.
    func json(_ node: CausalTree.Node) -> JSONLine {
        switch node.subject {
        case .command(let id): ["command": id]
        case .outside(let id): ["outside": id]
        case .event(let event): event.audited
        }
    }

    /// The branches before each line. A branch continues if a later line has the same depth and no line between them is
    /// less deep. Computed from the last line up.
    private var branches: [String] {
        var goesOn: Set<Int> = []
        let drawn = tree.nodes.reversed().map { node -> String in
            goesOn = goesOn.filter { $0 <= node.depth }
            let isLast = goesOn.insert(node.depth).inserted
            if node.depth == 0 { return "" }
            if node.depth > Self.deepest { return "… \(node.depth): " }
            let before = (1..<node.depth).map { goesOn.contains($0) ? "│  " : "   " }.joined()
            return before + (isLast ? "└─ " : "├─ ")
        }
        return drawn.reversed()
    }

    private func text(of node: CausalTree.Node, at index: Int) -> String {
        switch node.subject {
        case .outside(let id): return "outside: \(id.visible)"
        case .command(let id):
            // The details of a command are in the metadata of its first event, which follows it.
            let first = tree.nodes.dropFirst(index + 1).first
            guard case .event(let event)? = first?.subject else { return "command \(id)" }
            let actor = event.metadata.actor.map { " by \($0.visible)" } ?? ""
            let reason = event.metadata.reason.map { ": \($0.visible)" } ?? ""
            return terminal.styled("command \(id)", .cyan) + actor + reason
        case .event(let event):
            return [
                terminal.styled("\(event.position)", .bold), terminal.styled(event.type.text.visible, .green),
                event.shownPlace.visible, terminal.styled(event.recordedAt.readable, .dim),
            ].joined(separator: "  ")
        }
    }
}
