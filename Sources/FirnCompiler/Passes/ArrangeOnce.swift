package import FirnGraph
import FirnOps

extension Compiler {
  /// `arrange-once`: a weight that a loop's product reads is packed before the loop, as the product reads it best.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [time,batch,3]} : f32[time,batch,3]
  ///     %h = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///     %w = placeholder() {dtype = f32, shape = [3,3]} : f32[3,3]
  ///     %loop = scan(%h, %x, %w) {carries = 1, slices = 1, captures = 1, length = time, reversed = false, body = {
  ///       %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///       %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///       %kernel = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [3,3]} : f32[3,3]
  ///       %add = add(%state, %step) : f32[batch,3]
  ///       %matmul = matmul(%add, %kernel) {transpose_a = false, transpose_b = true} : f32[batch,3]
  ///       return %matmul
  ///     }} : f32[batch,3]
  ///     return %loop
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [time,batch,3]} : f32[time,batch,3]
  ///     %h = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///     %w = placeholder() {dtype = f32, shape = [3,3]} : f32[3,3]
  ///     %loop/matmul/pack = pack(%w) {transposed = true} : f32[1,3,32]
  ///     %loop = scan(%h, %x, %loop/matmul/pack) {carries = 1, slices = 1, captures = 1, length = time, reversed = false, body = {
  ///       %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///       %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///       %add = add(%state, %step) : f32[batch,3]
  ///       %matmul/pack = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [1,3,32]} : f32[1,3,32]
  ///       %matmul = matmul_packed(%add, %matmul/pack) {transpose_a = false, columns = 3} : f32[batch,3]
  ///       return %matmul
  ///     }} : f32[batch,3]
  ///     return %loop
  ///
  /// Else the kernel does it in every step. The bits are the same: an element is the same chain of additions. How an
  /// operand is to lie each op says of itself (`arrangement`); a weight used once is packed while it is read. Where
  /// frozen kernels are put into a smaller type, `store-frozen` does this too, after that.
  package static let arrangeOnce = Pass("arrange-once") { graph, context throws(FirnError) in
    context.request.storingFrozen == nil ? graph.arrangingInvariants() : graph
  }
}

extension GraphDef {
  package func arrangingInvariants() -> GraphDef {
    if !hasLoops { return self }
    let arranged = rewritten { rewriter, position in
      if let op = nodes[position].op(changingBody: { $0.arrangingCaptures() }) {
        rewriter.keep(position, as: op)
      }
    }
    return arranged == self ? self : arranged.hoistingInvariants()
  }

  /// Of a loop's body: what reads an invariant against its layout reads a node that arranges it.
  private func arrangingCaptures() -> GraphDef {
    let dependence = DependenceAnalysis(self) { $0.loopInput?.kind == .capture ? [] : .step }
    return rewritten { rewriter, position in
      let node = nodes[position]
      if let op = node.op(changingBody: { $0.arrangingCaptures() }) {
        rewriter.keep(position, as: op)
        return
      }
      for (operand, input) in node.inputs.enumerated() where !dependence[input].contains(.step) {
        guard let arrangement = node.op.arrangement(of: operand, in: types(round: position)) else { continue }
        var other = rewriter.kept(position)
        other.inputs[operand] =
          rewriter.emit(
            arrangement.arrange, [rewriter(input)],
            named: Path.joined(node.name, arrangement.arrange.mnemonic), like: node)[0]
        other.op = arrangement.op
        rewriter.place(other, insteadOf: position)
        return
      }
    }
  }
}
