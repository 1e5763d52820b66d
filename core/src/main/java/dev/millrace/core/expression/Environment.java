package dev.millrace.core.expression;

import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.CelFunctionDecl;
import dev.cel.common.CelOptions;
import dev.cel.common.CelOverloadDecl;
import dev.cel.common.CelValidationException;
import dev.cel.common.CelValidationResult;
import dev.cel.common.ast.CelConstant;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.types.CelType;
import dev.cel.common.types.ListType;
import dev.cel.common.types.MapType;
import dev.cel.common.types.NullableType;
import dev.cel.common.types.SimpleType;
import dev.cel.common.types.TypeParamType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerBuilder;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.extensions.CelExtensions;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.Program;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;

/**
 * The names an expression may use, and the language it is written in: CEL with its strings and math
 * extensions, where comparisons (equality and {@code in} too) mix whole and real numbers.
 */
final class Environment {

  static final CelOptions OPTIONS =
      CelOptions.current()
          .enableHeterogeneousNumericComparisons(true)
          .maxExpressionCodePointSize(10_000)
          .comprehensionMaxIterations(100_000)
          .build();

  private static final CelCompiler PARSER = builder().build();

  private final Schema record;
  private final Map<String, Expression.Type> extras;
  private final UserFunctions own;

  Environment(Schema record, Map<String, Expression.Type> extras, UserFunctions own) {
    this.record = record;
    this.extras = extras;
    this.own = own;
  }

  /**
   * A checked expression.
   *
   * @param used the free names it uses
   * @param asked those of them that it compares with null
   */
  record Checked(CelAbstractSyntaxTree tree, Set<String> used, Set<String> asked) {}

  Checked check(String text) {
    CelValidationResult parsed = PARSER.parse(text);
    if (parsed.hasError()) {
      throw Issues.of(text, parsed, names(), own.repair());
    }
    Set<String> used = new LinkedHashSet<>();
    Set<String> asked = new HashSet<>();
    CelExpr root = tree(parsed).getExpr();
    Walk walk = new Walk(used, asked);
    walk.visit(root, Set.of());
    own.check(text, walk.called);
    CelCompiler compiler = compiler(asked, text, used);
    CelValidationResult checked = compiler.check(tree(parsed));
    if (checked.hasError()) {
      throw Issues.of(text, checked, names(), own.repair());
    }
    for (CelExpr.CelCall call : walk.literalCalls) {
      checkLiteral(text, call);
    }
    used.retainAll(known());
    return new Checked(tree(checked), used, asked);
  }

  /** The functions that an expression calls; none where it is none. */
  static Set<String> called(String text) {
    CelValidationResult parsed = PARSER.parse(text);
    if (parsed.hasError()) {
      return Set.of();
    }
    Walk walk = new Walk(new HashSet<>(), new HashSet<>());
    walk.visit(tree(parsed).getExpr(), Set.of());
    return walk.called;
  }

  Program program(String text, CelAbstractSyntaxTree tree) {
    try {
      return own.runtime().createProgram(tree);
    } catch (CelEvaluationException e) {
      throw new ExpressionException("compile", text, Issues.reason(e), "");
    }
  }

  private CelCompiler compiler(Set<String> asked, String text, Set<String> used) {
    CelCompilerBuilder builder = builder().addFunctionDeclarations(own.declarations());
    for (Schema.Field field : record.getFields()) {
      if (extras.containsKey(field.name())) {
        continue;
      }
      FieldType type = FieldType.of(field.schema());
      if (type != null) {
        boolean wrap = asked.contains(field.name()) && type.type() instanceof SimpleType;
        builder.addVar(field.name(), wrap ? NullableType.create(type.type()) : type.type());
      } else if (used.contains(field.name())) {
        throw new ExpressionException(
            "compile",
            text,
            "field " + field.name() + " is " + field.schema() + ", which expressions cannot use",
            "use a field of a plain type, or flatten it in the producer");
      }
    }
    extras.forEach((name, type) -> builder.addVar(name, celType(type)));
    return builder.build();
  }

  static CelCompilerBuilder builder() {
    return CelCompilerFactory.standardCelCompilerBuilder()
        .setOptions(OPTIONS)
        .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
        .addLibraries(CelExtensions.strings(), CelExtensions.math())
        .addFunctionDeclarations(
            equality("_==_", "equals"), equality("_!=_", "not_equals"), membership());
  }

  /** CEL's own equality works for these at run time; only its checker has to be told. */
  private static CelFunctionDecl equality(String function, String id) {
    CelType anyList = ListType.create(TypeParamType.create("A"));
    CelType anyMap = MapType.create(TypeParamType.create("A"), TypeParamType.create("B"));
    return CelFunctionDecl.newFunctionDeclaration(
        function,
        overload(id + "_double_int", SimpleType.DOUBLE, SimpleType.INT),
        overload(id + "_int_double", SimpleType.INT, SimpleType.DOUBLE),
        overload(id + "_list_null", anyList, SimpleType.NULL_TYPE),
        overload(id + "_null_list", SimpleType.NULL_TYPE, anyList),
        overload(id + "_map_null", anyMap, SimpleType.NULL_TYPE),
        overload(id + "_null_map", SimpleType.NULL_TYPE, anyMap));
  }

  private static CelFunctionDecl membership() {
    return CelFunctionDecl.newFunctionDeclaration(
        "@in",
        overload("in_double_list_int", SimpleType.DOUBLE, ListType.create(SimpleType.INT)),
        overload("in_int_list_double", SimpleType.INT, ListType.create(SimpleType.DOUBLE)));
  }

  private static CelOverloadDecl overload(String id, CelType left, CelType right) {
    return CelOverloadDecl.newGlobalOverload(id, SimpleType.BOOL, left, right);
  }

  private static CelType celType(Expression.Type type) {
    return switch (type) {
      case BOOLEAN -> SimpleType.BOOL;
      case LONG -> SimpleType.INT;
      case DOUBLE -> SimpleType.DOUBLE;
      case STRING -> SimpleType.STRING;
      case TIMESTAMP -> SimpleType.TIMESTAMP;
      case VECTOR -> ListType.create(SimpleType.DOUBLE);
      case INPUT, ANY -> SimpleType.DYN;
    };
  }

  private List<String> names() {
    List<String> names = new ArrayList<>();
    record.getFields().forEach(f -> names.add(f.name()));
    extras.keySet().stream().filter(n -> !names.contains(n)).sorted().forEach(names::add);
    return names;
  }

  private Set<String> known() {
    return new HashSet<>(names());
  }

  private static CelAbstractSyntaxTree tree(CelValidationResult result) {
    try {
      return result.getAst();
    } catch (CelValidationException e) {
      throw new IllegalStateException("a result without errors has no tree", e);
    }
  }

  /** A time zone or pattern that stands in the text is judged now, not with the first event. */
  private void checkLiteral(String text, CelExpr.CelCall call) {
    String literal = call.args().get(0).constant().stringValue();
    boolean pattern = call.function().equals("matches");
    try {
      Program probe =
          own.runtime()
              .createProgram(
                  tree(
                      builder()
                          .addVar("x", SimpleType.STRING)
                          .build()
                          .compile(pattern ? "''.matches(x)" : "timestamp(0).getHours(x)")));
      Object unused = probe.eval(Map.of("x", literal));
    } catch (CelEvaluationException e) {
      throw new ExpressionException(
          "compile",
          text,
          Issues.reason(e),
          pattern ? "correct the pattern" : "name a zone such as 'UTC' or 'Europe/Paris'");
    }
  }

  /** Collects free names, and those compared with null; names bound by a macro are not free. */
  private static final class Walk {
    final Set<String> used;
    final Set<String> asked;

    /** Functions that are called by their name alone; operators have others. */
    final Set<String> called = new LinkedHashSet<>();

    final List<CelExpr.CelCall> literalCalls = new ArrayList<>();

    Walk(Set<String> used, Set<String> asked) {
      this.used = used;
      this.asked = asked;
    }

    void visit(CelExpr expr, Set<String> bound) {
      switch (expr.getKind()) {
        case IDENT -> {
          if (!bound.contains(expr.ident().name())) {
            used.add(expr.ident().name());
          }
        }
        case SELECT -> visit(expr.select().operand(), bound);
        case CALL -> visitCall(expr.call(), bound);
        case LIST -> expr.list().elements().forEach(e -> visit(e, bound));
        case STRUCT -> expr.struct().entries().forEach(e -> visit(e.value(), bound));
        case MAP ->
            expr.map()
                .entries()
                .forEach(
                    e -> {
                      visit(e.key(), bound);
                      visit(e.value(), bound);
                    });
        case COMPREHENSION -> {
          CelExpr.CelComprehension loop = expr.comprehension();
          visit(loop.iterRange(), bound);
          visit(loop.accuInit(), bound);
          Set<String> inner = new HashSet<>(bound);
          inner.add(loop.iterVar());
          inner.add(loop.iterVar2());
          inner.add(loop.accuVar());
          visit(loop.loopCondition(), inner);
          visit(loop.loopStep(), inner);
          visit(loop.result(), inner);
        }
        default -> {}
      }
    }

    private void visitCall(CelExpr.CelCall call, Set<String> bound) {
      call.target().ifPresentOrElse(t -> visit(t, bound), () -> called.add(call.function()));
      call.args().forEach(a -> visit(a, bound));
      if (call.args().size() == 2
          && (call.function().equals("_==_") || call.function().equals("_!=_"))) {
        ask(call.args().get(0), call.args().get(1), bound);
        ask(call.args().get(1), call.args().get(0), bound);
      }
      boolean literal =
          call.args().size() == 1
              && isConstant(call.args().get(0), CelConstant.Kind.STRING_VALUE)
              && call.target().isPresent();
      if (literal && (call.function().equals("matches") || isTimePart(call.function()))) {
        literalCalls.add(call);
      }
    }

    private void ask(CelExpr name, CelExpr other, Set<String> bound) {
      if (name.getKind() == CelExpr.ExprKind.Kind.IDENT
          && !bound.contains(name.ident().name())
          && isConstant(other, CelConstant.Kind.NULL_VALUE)) {
        asked.add(name.ident().name());
      }
    }

    private static boolean isConstant(CelExpr expr, CelConstant.Kind kind) {
      return expr.getKind() == CelExpr.ExprKind.Kind.CONSTANT && expr.constant().getKind() == kind;
    }

    private static boolean isTimePart(String function) {
      return switch (function) {
        case "getFullYear",
            "getMonth",
            "getDate",
            "getDayOfMonth",
            "getDayOfWeek",
            "getDayOfYear",
            "getHours",
            "getMinutes",
            "getSeconds",
            "getMilliseconds" ->
            true;
        default -> false;
      };
    }
  }
}
