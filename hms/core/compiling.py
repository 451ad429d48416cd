"""Templates become Python that does little in each request: the sentences are in the reader's language already, text is
escaped in one step, a macro is called like a function.

Jinja asks of every call whether the function wants its context, and makes an object of every text it escapes; a list of
forty rows does both thousands of times, which was most of a page's cost. Here
  * there is one set of compiled templates for each language, and `_("…")` is written into it;
  * templates are HTML, and only a function among the environment's globals may want the context (`pass_context`).
What pages say is the same.
"""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import Any

from flask import Flask
from flask.templating import Environment
from flask_babel import get_translations
from jinja2 import StrictUndefined, Template, nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from .speaking import language, say_in
from .written import marked_up

_RUNTIME = "from hms.core.written import QuickMacro, joined, marked_up, written"
_PIECE = re.compile(r"%\((\w+)\)s|%%")
_SPEAKS = ("_", "gettext")


class Quick(CodeGenerator):
    """Jinja's writer of Python, except for calls, escaping and constants."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        self._constants: dict[str, str] = {}
        self.writeline(_RUNTIME)
        super().visit_Template(node, frame)
        for text, name in self._constants.items():
            self.writeline(f"{name} = marked_up({text!r})")

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:
        """Markup is made once for the template; the code reads it by its name."""
        if type(node.value) is Markup:
            self.write(self._constants.setdefault(str(node.value), f"said_{len(self._constants)}"))
        else:
            super().visit_Const(node, frame)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """A plain call, unless the function wants the context. A name that Python reserves goes in a dictionary."""
        if isinstance(node.node, nodes.Name) and hasattr(
            self.environment.globals.get(node.node.name), "jinja_pass_arg"
        ):
            super().visit_Call(node, frame, forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for argument in node.args:
            self.visit(argument, frame)
            self.write(", ")
        for named in node.kwargs:
            self.write(f"**{{{named.key!r}: " if iskeyword(named.key) else f"{named.key}=")
            self.visit(named.value, frame)
            self.write("}, " if iskeyword(named.key) else ", ")
        if forward_caller:
            self.write("caller=caller, ")
        for stars, many in (("*", node.dyn_args), ("**", node.dyn_kwargs)):
            if many is not None:
                self.write(stars)
                self.visit(many, frame)
                self.write(", ")
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
        self.write("Quick")
        super().macro_def(macro_ref, frame)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("written(")


class Spoken(NodeTransformer):
    """Writes the sentences of one language into a parsed template."""

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:
        self.generic_visit(node)
        if not (isinstance(node.node, nodes.Name) and node.node.name in _SPEAKS):
            return node
        sentence = node.args[0] if len(node.args) == 1 else None
        known = isinstance(sentence, nodes.Const) and not (node.dyn_args or node.dyn_kwargs)
        said = _said(get_translations().ugettext(sentence.value), node) if known else None
        if said is None:
            node.node = nodes.EnvironmentAttribute("say", lineno=node.lineno)
            return node
        return said

    def visit_Output(self, node: nodes.Output) -> nodes.Output:
        """What stands side by side is written piece by piece, without being joined first."""
        self.generic_visit(node)
        node.nodes = [piece for child in node.nodes for piece in _pieces(child)]
        return node


def _said(text: str, call: nodes.Call) -> nodes.Expr | None:
    """The translated sentence with the call's values in their places; None when it holds something else to format."""
    values = {named.key: named.value for named in call.kwargs}
    if "%" in _PIECE.sub("", text) or not {found[1] for found in _PIECE.finditer(text)} - {None} <= values.keys():
        return None
    parts: list[nodes.Expr] = []
    end = 0
    for found in _PIECE.finditer(text):
        parts.append(nodes.Const(marked_up(text[end : found.start()]), lineno=call.lineno))
        parts.append(values[found[1]] if found[1] else nodes.Const(marked_up("%"), lineno=call.lineno))
        end = found.end()
    parts.append(nodes.Const(marked_up(text[end:]), lineno=call.lineno))
    return nodes.Concat(parts, lineno=call.lineno) if end else parts[0]


def _pieces(child: nodes.Expr) -> list[nodes.Expr]:
    if isinstance(child, nodes.Concat):
        return [piece for part in child.nodes for piece in _pieces(part)]
    if isinstance(child, nodes.CondExpr) and child.expr2 is None:
        child.expr2 = nodes.Const("", lineno=child.lineno)
    return [child]


class Page(Template):
    """A template whose macros are read once: no page hands globals of its own to what it imports."""

    def _get_default_module(self, ctx: Any = None) -> Any:
        if self._module is None:
            self._module = self.make_module()
        return self._module


class Pages(Environment):
    """Flask's environment, with an overlay for each language that pages are read in."""

    code_generator_class = Quick
    template_class = Page

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, cache_size=-1, **kwargs)  # all of them: a list of the last used is kept under a lock
        self._languages: dict[str, Pages] = {}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        return Spoken().visit(tree) if self.overlayed else tree

    def _load_template(self, name: str, globals: Any) -> Template:
        if self.overlayed:
            return super()._load_template(name, globals)
        return self._in(language())._load_template(name, globals)

    def _in(self, chosen: str) -> Pages:
        known = self._languages.get(chosen)
        if known is None:
            known = self._languages[chosen] = self.overlay()
            known.say = say_in(chosen)  # type: ignore[attr-defined]
        return known


def install(app: Flask) -> None:
    """Every template of `app` is compiled here; a name that nobody gave is a fault, never an empty place."""
    app.jinja_environment = Pages
    app.jinja_env.undefined = StrictUndefined
