import CFirnKernels
import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// What ops tell passes of themselves, held against numbers.
  @Suite struct OpAnswersTests {
    @Test(arguments: askedSamples, [DType.f32, .f64])
    func answersHold(_ sample: OpSample, _ dtype: DType) throws {
      #expect(try AskedOp(sample, dtype).faults() == [])
    }

    @Test func answersHoldOnEveryInstructionSet() throws {
      let initial = String(cString: firn_isa_name())
      defer { #expect(firn_select_isa(initial) == 1) }
      for name in ["avx512", "avx2", "portable"] where firn_select_isa(name) == 1 {
        for sample in askedSamples {
          #expect(try AskedOp(sample, .f32).faults() == [], "\(sample.testDescription) with \(name)")
        }
      }
    }

    @Test func everyOpIsAsked() {
      let asked = Set(askedSamples.map(\.op.mnemonic))
      for mnemonic in OpCatalogue.standard.mnemonics
      where !asked.contains(mnemonic) && Self.unasked[mnemonic] == nil {
        Issue.record(
          "add a sample for `\(mnemonic)` in OpSamples.swift: its answers to passes are held against it")
      }
    }

    /// Ops that cannot be run by themselves; each answers no to everything, as `silentOpsSayNo` sees.
    private static let unasked: [String: any Op] = [
      "placeholder": Placeholder(type: TensorType(.f32, [2])),
      "loop_input": LoopInput(.carry, 0, type: TensorType(.f32, [2])),
      "constant": Constant(NDArray([Float(1), 2])),
      "read": ReadVariable(Variable(name: "v", type: TensorType(.f32, [2]), initializer: .zeros)),
      "assign": AssignVariable("v"),
      "assign_rows": AssignRows("v", 0..<2),
      "random_state": RandomState(),
      "bound": BoundValue("pack", type: TensorType(.f32, [2])),
      "by_mode": ByMode(),
      "gradients": Gradients(seeded: [false], targets: 1, stops: 0, unconnected: .zero),
      "absent_gradient": AbsentGradient(type: TensorType(.f32, [2])),
      "update_input": UpdateInput(0, type: TensorType(.f32, [2])),
      "exchanged_mean": ExchangedMean(),
      "fused_input": FusedInput(0, type: TensorType(.f32, [2])),
      "scan": Scan(
        body: GraphDef(), carries: 0, slices: 0, captures: 0, length: 1, isReversed: false),
    ]

    @Test func silentOpsSayNo() {
      let type = TensorType(.f32, [2])
      for op in Self.unasked.values {
        let node = NodeTypes(operands: op is any SourceOp ? [] : [type, type], results: [type])
        let knowsRows = op.rows(along: 0, of: 0, count: 1, in: node) != nil
        let knowsSteps = op.overSteps(3, varying: [true, true], in: node) != nil
        #expect(!op.isElementwise && !op.canFail && !knowsRows && !knowsSteps, "\(op.mnemonic)")
        if case .notKnown = op.narrowed(to: Block(axis: 0, range: 0..<1), in: node) {
        } else {
          Issue.record("\(op.mnemonic) is narrowed")
        }
      }
    }

    @Test func constantsHoldTheirData() {
      let array = NDArray([Float(1), 2])
      #expect(Constant(array).effect == .holds(array))
    }

    @Test func loopsFailWhereTheirBodiesDo() throws {
      let body = Graph()
      let rows = body.placeholder("rows", shape: [4, 3])
      _ = gather(rows, indices: body.placeholder("at", shape: [2], dtype: .i32))
      let scan = Scan(
        body: body.definition, carries: 0, slices: 0, captures: 0, length: 2, isReversed: false)
      #expect(scan.canFail)
    }

    /// An op that forgets what it knew computes the same numbers, only more of them, and no other test sees it.
    @Test func nothingIsForgotten() throws {
      var known: [AskedOp.Question: Set<String>] = [:]
      for sample in askedSamples {
        for question in try AskedOp(sample, .f32).answered {
          known[question, default: []].insert(sample.op.mnemonic)
        }
      }
      let all = Set(askedSamples.map(\.op.mnemonic))
      let elementwise = Set(
        [
          Unary.mnemonics, Binary.mnemonics, Compare.mnemonics, Logical.mnemonics, Bitwise.mnemonics,
          ["select", "cast"],
        ].joined()
      ).union(PassThrough.mnemonics).union(GradientRouting.mnemonics)
      let elementwiseOrProgram = elementwise.union(["fused"])
      let whole = Set(
        [
          "mean_squared_error", "store", "widen", "last_position", "random_uniform", "random_normal",
          "dropout", "iota",
          "extent",
          "sample_count", "start_mean", "start_row_mean", "finish_mean",
        ] + Collective.mnemonics + PackKernel.mnemonics)
      let parted = all.subtracting(whole)
      let overSteps: Set = [
        "matmul", "matmul_packed", "pack", "reshape", "broadcast", "transpose", "softmax", "log_softmax",
        "reduce_sum", "reduce_mean",
        "reduce_max", "reduce_min", "reduce_prod",
      ]
      expectKnown(.elementwise, elementwiseOrProgram, in: known)
      expectKnown(.rows, parted, in: known)
      expectKnown(
        .narrowed, parted.subtracting(["split", "sparse_cross_entropy", "flat_index", "gather_stored"]),
        in: known)
      expectKnown(.overSteps, elementwise.union(overSteps), in: known)
      expectKnown(.factor, ["matmul", "conv2d", "conv2d_input_gradient"], in: known)
    }

    /// Where a factor can stand elsewhere, it does the same there.
    @Test func factorsCanStandElsewhere() throws {
      for sample in askedSamples {
        let faults = try AskedOp(sample, .f64).factorFaults()
        #expect(faults.isEmpty, "\(sample.op.mnemonic): \(faults)")
      }
    }

    /// What is enough of an operand makes the same bits, takes fewer bytes, and pools know what it is.
    @Test func residualsAreEnough() throws {
      var known: Set<String> = []
      for sample in askedSamples {
        for dtype in [DType.f32, .f64] {
          let (found, faults) = try AskedOp(sample, dtype).residualFaults()
          if found { known.insert(sample.op.mnemonic) }
          #expect(faults.isEmpty, "\(sample.testDescription): \(faults)")
        }
      }
      #expect(known == ["max_pool2d_gradient", "max_pool2d_take"])
    }

    private func expectKnown(
      _ question: AskedOp.Question, _ wanted: Set<String>, in known: [AskedOp.Question: Set<String>]
    ) {
      let answered = known[question] ?? []
      for mnemonic in answered.subtracting(wanted).sorted() {
        Issue.record("`\(mnemonic)` answers \(question) now: list it in this test")
      }
      for mnemonic in wanted.subtracting(answered).sorted() {
        Issue.record("`\(mnemonic)` does not answer \(question): answer it, or list it in this test")
      }
    }

    /// One row of a sum over columns would be added up as a row is, in another order.
    @Test func oneColumnIsNotNarrowedToARow() throws {
      let x = TensorType(.f32, [150, 5])
      let node = NodeTypes(operands: [x], results: [TensorType(.f32, [5])])
      let turned = NodeTypes(operands: [TensorType(.f32, [5, 150])], results: [TensorType(.f32, [5])])
      func isKnown(_ count: Dim, axes: [Int], _ node: NodeTypes) -> Bool {
        Reduce(.sum, axes: axes).rows(along: 0, of: 0, count: count, in: node) != nil
      }
      #expect(!isKnown(1, axes: [0], node))
      #expect(isKnown(2, axes: [0], node))
      #expect(isKnown(1, axes: [1], turned))
    }

    @Test func onlyProductsAreAGainOverSteps() throws {
      for sample in askedSamples {
        let asked = try AskedOp(sample, .f32)
        let first = asked.operands.indices.map { $0 == 0 }
        guard let rule = asked.op.overSteps(3, varying: first, in: asked.node) else { continue }
        let isProduct = sample.op is MatMul || sample.op is PackedMatMul
        #expect(rule.isGain == isProduct, "\(sample.testDescription)")
      }
    }
  }
}

/// Samples of ops that are asked: those of the catalogue, and some whose kernels have blocks and vectors to cut.
private let askedSamples: [OpSample] =
  opSamples + [
    OpSample(PassThrough(.identity), .real([3, 5])),
    OpSample(PassThrough(.stopGradient), .integers([3, 5], -9...9)),
    OpSample(GradientRouting(.straightThrough), .real([3, 5]), .real([3, 5])),
    OpSample(GradientRouting(.scaled(by: 0.5)), .real([3, 5])),
    OpSample(MatMul(), .real([77, 300]), .real([300, 67])),
    OpSample(MatMul(), .real([3, 1]), .real([1, 5])),
    OpSample(MatMul(transposeB: true), .real([2, 300]), .real([67, 300])),
    OpSample(MatMul(transposeA: true), .real([300, 35]), .real([300, 33])),
    OpSample(Pack(), .real([300, 67])),
    OpSample(PackedMatMul(columns: 67), .real([77, 300]), .real([3, 300, 32])),
    OpSample(Reshape([3, 2, 7, 1]), .real([3, 14])),
    OpSample(Reshape([6, 7]), .real([2, 3, 7])),
    OpSample(Reduce(.sum, axes: [0]), .real([150, 33])),
    OpSample(Reduce(.sum, axes: [1]), .real([5, 150])),
    OpSample(Reduce(.sum, axes: [0, 3], keepsAxes: true), .real([19, 3, 2, 21])),
    OpSample(Reduce(.mean, axes: [1]), .real([3, 40, 1, 9])),
    OpSample(Reduce(.sum, axes: [0, 2]), .real([20, 1, 31])),
    OpSample(Reduce(.max, axes: [0]), .real([50, 3])),
    OpSample(ArgReduce(.argmin, axis: 0), .real([40, 3])),
    OpSample(CumulativeSum(axis: 1), .real([3, 40, 11])),
    OpSample(Softmax(.softmax), .real([2, 5, 67])),
    OpSample(CrossEntropy(), .real([2, 5, 67]), .real([2, 5, 67], 0...1)),
    OpSample(Concat(axis: 0), .real([2, 4]), .real([3, 4])),
    OpSample(Pad(low: [0, 2, 1], high: [0, 3, 0], interior: [0, 0, 0], value: 2), .real([3, 4, 2])),
    OpSample(Slice(starts: [0, 1], limits: [5, 6], steps: [1, 1]), .real([5, 7])),
    OpSample(Slice(starts: [2, 0], limits: [5, 7], steps: [1, 1]), .real([6, 7])),
    OpSample(Broadcast([3, 4, 5]), .real([4, 5])),
    OpSample(Convolution(), .real([3, 9, 8, 5]), .real([3, 3, 5, 19])),
    OpSample(Convolution(.kernelGradient, size: [2, 3]), .real([3, 8, 7, 5]), .real([3, 7, 5, 33])),
    OpSample(MaxPool(size: [2, 2], strides: [2, 2]), .real([2, 4, 6, 37])),
  ]
